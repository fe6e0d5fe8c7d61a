/** Decides in a generation which steps the budget computes. */
import type { GenerationFacts } from "../facts.ts";
import { withForecasts } from "../forecast.ts";
import type { CacheState } from "../policy.ts";
import { isLimited } from "./allowance.ts";
import type { BudgetOptions } from "./options.ts";
import { startPlanned } from "./planned.ts";
import { startUnplanned } from "./unplanned.ts";

/** Starts a generation: by the model's table if there is one, otherwise by what can be seen during the generation. */
export function startBudget(options: BudgetOptions, totalSteps: number, facts: GenerationFacts): CacheState {
  if (options.computesAll) return COMPUTES_ALL;
  if (facts.table !== null) return startPlanned(options, totalSteps, { ...facts, table: facts.table });
  const plain = startUnplanned(options, totalSteps, facts);
  return options.forecast ? withForecasts(plain, facts.noiseLevels, isLimited(options.goal)) : plain;
}

const COMPUTES_ALL: CacheState = {
  ask: () => ({ answer: "compute", next: COMPUTES_ALL }),
  tell: () => ({ values: { surprise: null, predicted: null }, next: COMPUTES_ALL }),
};
