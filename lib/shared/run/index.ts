export { RUNNER } from "./runner.ts";
