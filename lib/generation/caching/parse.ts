/** Parses the cache policies that users write. */
import { adacache } from "./adacache.ts";
import { budget } from "./budget/index.ts";
import { readCodebookFile } from "./codebook-file.ts";
import type { PolicyRun } from "./facts.ts";
import { withForecast } from "./forecast.ts";
import { off } from "./off.ts";
import { type CachePolicy, createPolicy } from "./policy.ts";
import { CachePolicyError, quote } from "./policy-error.ts";
import { argumentFault, formExample, formsInOrder, policyForms } from "./registry.ts";

export interface ParseOptions extends PolicyRun {
  /** Replaces the warm-up of a codebook file; policies without a warm-up ignore it. */
  readonly warmup?: number | undefined;
}

/**
 * Parses a policy: a form such as `off`, `static:K`, `slow` or `fast`, or the parsed contents of a codebook file.
 * For a distilled model all of them mean `off`.
 *
 * @param spec untrusted: a text, or a value of the shape {@link CodebookFile}
 * @throws CachePolicyError if it is neither, or if the warm-up is longer than the run
 * @example
 * ```ts
 * const policy = parseCachePolicy("static:3", { steps: 8, motion: false });
 * policy.options; // { interval: 3, warmup: 0 }
 * ```
 */
export function parseCachePolicy(spec: unknown, options: ParseOptions): CachePolicy {
  const { steps, warmup, forecast, isDistilled, table = null } = options;
  if (isDistilled) return createPolicy(off, {});
  const context = { table };
  const forecasting = (policy: CachePolicy) =>
    policy.options.forecast === true ? withForecast(policy) : policy;
  if (typeof spec !== "string") {
    const { name, codebook, motion, warmup: ownWarmup } = readCodebookFile(spec, options);
    const checked = parseWarmup(ownWarmup, steps);
    const codebookOptions = {
      codebook: [...codebook],
      motion,
      warmup: parseWarmup(warmup ?? checked, steps),
      forecast,
    };
    return forecasting(createPolicy(adacache, codebookOptions, name, context));
  }
  const checkedWarmup = parseWarmup(warmup ?? 0, steps);
  const [word, ...rest] = spec.split(":");
  const argument = rest.length > 0 ? rest.join(":") : undefined;
  const found = policyForms.find(
    ({ form }) => form.word === word && (form.argument !== undefined) === (argument !== undefined),
  );
  if (!found) throw new CachePolicyError(`unknown cache policy ${quote(spec)}: use ${choices()}`);
  const { kind, form } = found;
  const fault = argumentFault(form, argument ?? "");
  if (fault !== null) throw new CachePolicyError(`${quote(spec)} ${fault}`);
  const { shape } = kind.options;
  const given = {
    ...("forecast" in shape && { forecast }),
    ...form.options(argument ?? "", options),
    ...("warmup" in shape && { warmup: checkedWarmup }),
  };
  const policy = createPolicy(kind, given, spec, context);
  return kind.name === budget.name ? policy : forecasting(policy);
}

function choices(): string {
  return `${formsInOrder.map(formExample).join(", ")} or a codebook file`;
}

function parseWarmup(value: unknown, steps: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= steps) return value;
  throw new CachePolicyError(
    `the warm-up is ${quote(value)}: a warm-up is a whole number of steps, from 0 to the ${steps} of the run`,
  );
}
