export { budget, hasFewSteps } from "./budget.ts";
export { type Goal, PROMISES, type PromiseWord, promiseForm } from "./goal.ts";
