import { createRequire } from "node:module";

/** Name by which files say that this program made them. */
export const TOOL = "Adareel";

/** Version of this program. */
export const VERSION: string = createRequire(import.meta.url)("../../../package.json").version;
