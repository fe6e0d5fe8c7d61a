import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../lib/shared/command-line/index.ts";

/** Options shared by the benchmarks. */

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** Folder of a benchmark's measurements. */
export const resultsFolder = resolve(repository, "out/bench");
/** Folder of the report of a complete benchmark. */
export const docsFolder = resolve(repository, "docs");
export const demoModel = resolve(repository, "models/demo");
export { repository };

/** A benchmark's command line: its options with values, `--quick`, and its words as they were written. */
export interface Written<Name extends string> {
  readonly values: { readonly [name in Name]?: string | undefined } & { readonly quick: boolean };
  readonly args: readonly string[];
}

/**
 * Resolves a path given by the user. npm runs scripts in the package's folder, and passes the user's working
 * directory in INIT_CWD.
 */
export function userPath(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

/**
 * Parses an option.
 *
 * @throws UsageError unless `text` is a whole number from 1 to `most`
 */
export function positiveInteger(option: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${option} must be a whole number from 1 to ${most}, got ${JSON.stringify(text)}.`);
}
