import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../lib/shared/command-line/index.ts";

/** What the benchmarks' options have in common. */

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** Where a benchmark leaves its measurements. */
export const resultsFolder = resolve(repository, "out/bench");
/** Where the report of a whole benchmark goes. */
export const docsFolder = resolve(repository, "docs");
export const demoModel = resolve(repository, "models/demo");
export { repository };

/** A benchmark's command line: its options with values, `--quick`, and its words as they were written. */
export interface Written<Name extends string> {
  readonly values: { readonly [name in Name]?: string | undefined } & { readonly quick: boolean };
  readonly args: readonly string[];
}

/** A path as the user meant it: npm runs scripts in the package's folder and says where the user stood. */
export function userPath(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

/** @throws UsageError unless `text` is a whole number of at least 1 */
export function positiveInteger(option: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${option} must be a whole number from 1 to ${most}, got ${JSON.stringify(text)}.`);
}
