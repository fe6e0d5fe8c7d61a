/** Decides in a generation which steps the budget computes. */
import { withForecasts } from "../forecast.ts";
import type { CacheState, GenerationFacts } from "../policy.ts";
import type { Goal } from "./goal.ts";
import { startPlanned } from "./planned.ts";
import { isLimited, startUnplanned } from "./unplanned.ts";

/** Options of the budget. */
export interface BudgetOptions {
  readonly goal: Goal | null;
  readonly computesAll: boolean;
  readonly forecast: boolean;
}

export type BudgetColumn = "surprise" | "predicted";

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
