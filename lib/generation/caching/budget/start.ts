import type { CacheState, StartContext } from "../policy.ts";
import type { Goal } from "./goal.ts";

/** Options of the budget. */
export interface BudgetOptions {
  readonly goal: Goal | null;
  readonly computesAll: boolean;
  readonly forecast: boolean;
}

export type BudgetColumn = "surprise" | "predicted";

type State = CacheState<never, BudgetColumn>;

/** Starts a generation: evenly spaced steps, the first and the last among them; every step for a promise in dB. */
export function startBudget(
  { goal, computesAll }: BudgetOptions,
  totalSteps: number,
  _context: StartContext,
): State {
  const all = computesAll || (goal !== null && "at_least_db" in goal);
  const wanted =
    goal !== null && "computed_steps" in goal ? goal.computed_steps : Math.max(2, Math.ceil(totalSteps / 3));
  const count = all ? totalSteps : Math.min(wanted, totalSteps);
  const last = totalSteps - 1;
  const computed = new Set(
    Array.from({ length: count }, (_, index) => (count === 1 ? 0 : Math.round((index * last) / (count - 1)))),
  );
  const state: State = {
    ask: ({ denoisingStep }) => ({ answer: computed.has(denoisingStep) ? "compute" : "reuse", next: state }),
    tell: () => ({ values: { surprise: null, predicted: null }, next: state }),
  };
  return state;
}
