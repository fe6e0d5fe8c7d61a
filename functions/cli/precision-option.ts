import { type Precision, precisions } from "../../lib/generation/onnx/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { quoted } from "../../lib/shared/sentences/index.ts";

/** Option `--precision` of commands that run a model. */
export const precisionOption = {
  value: "NAME",
  text: `precision in which the transformer's blocks multiply: ${precisions.join(", ")}; default float32`,
  read: precisionOf,
} as const;

/** @throws UsageError for a precision that does not exist */
function precisionOf(text: string): Precision {
  const found = precisions.find((precision) => precision === text);
  if (found) return found;
  throw new UsageError(`--precision must be one of ${precisions.join(", ")}, not ${quoted(text)}.`);
}
