export { type ApiKey, type ApiKeys, apiKeys, type Principal } from "./api-keys.ts";
