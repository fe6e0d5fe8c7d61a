import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { circumstances } from "../machine.ts";
import { demoModel, docsFolder, resultsFolder, userPath } from "../options.ts";
import { readResults, updateDocument, writeText } from "../results-file.ts";
import { policyChart } from "./chart.ts";
import { comparisonOf } from "./curves.ts";
import { policyMethods } from "./methods.ts";
import { POLICY_STEP_COUNTS, type PolicyValues, planOf, yardstickOf } from "./options.ts";
import { evaluationPrompts } from "./prompts.ts";
import { POLICY_CHART_FILE, policyReport } from "./report.ts";
import { methodKey, type PolicyResults, policyResultsSchema } from "./results.ts";
import { measureSession } from "./session.ts";

/**
 * Runs `policies`: every policy on the same prompts, compared with no cache. Measurements are written after every
 * prompt, so that `--resume` can go on with them, and `--only` can measure some policies again.
 *
 * A complete run of the demo's prompts writes its report to docs/, any other to out/bench.
 */
export async function runPolicies({
  values,
  args,
}: {
  readonly values: PolicyValues;
  readonly args: readonly string[];
}): Promise<void> {
  const yardstick = yardstickOf(values.yardstick);
  const results = values.from
    ? await readResults(userPath(values.from), policyResultsSchema)
    : await measure(values, ["policies", ...args]);
  const folder = isComplete(results) ? docsFolder : resultsFolder;
  await updateDocument(join(folder, "benchmarks.md"), "policies", policyReport(results, yardstick));
  await writeText(join(folder, POLICY_CHART_FILE), policyChart(results));
  process.stdout.write(`Wrote ${join(folder, "benchmarks.md")} and ${POLICY_CHART_FILE} beside it.\n`);
}

async function measure(values: PolicyValues, command: readonly string[]): Promise<PolicyResults> {
  const plan = planOf(values);
  const folder = values.model === undefined ? demoModel : userPath(values.model);
  const file = join(resultsFolder, values.quick ? "policies-quick.json" : "policies.json");
  const hasEarlier = (plan.resume || plan.only !== null) && existsSync(file);
  return measureSession({
    plan,
    folder,
    circumstances: await circumstances(command, folder),
    earlier: hasEarlier ? await readResults(file, policyResultsSchema) : null,
    file,
  });
}

/**
 * Returns whether all evaluation prompts were measured with all policies at all numbers of steps. Forms of the
 * product's own policy may be missing, because a model can refuse them.
 */
export function isComplete(results: PolicyResults): boolean {
  if (!isDeepStrictEqual(results.prompts, evaluationPrompts)) return false;
  return POLICY_STEP_COUNTS.every((steps) => {
    const { prompts, curves } = comparisonOf(results, steps);
    const measured = new Set(
      curves.flatMap(({ group, settings }) => settings.map(({ label }) => methodKey({ group, label }))),
    );
    const isMeasured = policyMethods(steps).every(
      (method) => method.role === "ours" || measured.has(methodKey(method)),
    );
    return isMeasured && prompts.length === results.prompts.length;
  });
}
