export { budget, budgetOfDamage, hasFewSteps } from "./budget.ts";
export { type Goal, PROMISES, type PromiseWord, promiseForm } from "./goal.ts";
export type { ErrorTable, Ladder } from "./table.ts";
export type { TableFile } from "./table-file.ts";
