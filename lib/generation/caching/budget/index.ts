export { budget, budgetOfDamage, hasFewSteps } from "./budget.ts";
export { type Goal, PROMISES, type PromiseWord, promiseForm } from "./goal.ts";
export { keptShare, promiseCost } from "./promise-cost.ts";
export type { ErrorTable, Ladder } from "./table.ts";
export { readTableFile, TABLE_FILE, type TableFile } from "./table-file.ts";
