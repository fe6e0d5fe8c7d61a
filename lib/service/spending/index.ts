export { limitInText } from "./limit-text.ts";
export { type Left, type LimitedKey, type Reservation, type Spending, spendingOf } from "./spending.ts";
