import type { Goal } from "./goal.ts";

/** Options of the budget. */
export interface BudgetOptions {
  readonly goal: Goal | null;
  readonly computesAll: boolean;
  readonly forecast: boolean;
}

export type BudgetColumn = "surprise" | "predicted";
