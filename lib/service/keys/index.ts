export { hashApiKey, matchesHash, type NewApiKey, newApiKey, parseApiKey } from "./api-key.ts";
export { type ApiKey, type ApiKeys, apiKeys, type Principal } from "./api-keys.ts";
export {
  KEPT_SECRETS_MAX,
  KeptSecretsError,
  keptAfter,
  SECRET_KEPT_MS_MAX,
  stillKept,
} from "./kept-secrets.ts";
export { type KeyRing, keyRing } from "./key-ring.ts";
export { isOpenToOthers, openMasterKey } from "./master-key.ts";
export { masterKeyFromText } from "./master-secret.ts";
export { SecretError } from "./secret-error.ts";
