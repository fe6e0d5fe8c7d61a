import type { PolicyResults } from "./results.ts";
export function policyChart(_results: PolicyResults): string {
  return "";
}
