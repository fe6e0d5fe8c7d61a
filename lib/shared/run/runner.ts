import { fileURLToPath } from "node:url";

/** Path of the JavaScript program that runs a TypeScript one: `fork(RUNNER, [FILE, ...ARGUMENTS], { execArgv: [] })`. */
export const RUNNER = fileURLToPath(new URL("./run.js", import.meta.url));
