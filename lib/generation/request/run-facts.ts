import type { ResolvedRequest } from "./request.ts";

/** Returns the caching policy of a request with its options as one text: the same for runs whose policy is the same. */
export function policyKey({
  cache: { policy, motion, warmupSteps, forecast },
}: Pick<ResolvedRequest, "cache">) {
  const name = typeof policy === "string" ? policy : JSON.stringify(sorted(policy));
  const options = [
    ...(motion ? ["motion"] : []),
    ...(warmupSteps > 0 ? [`warmup ${warmupSteps}`] : []),
    ...(forecast === undefined ? [] : [forecast ? "forecast" : "no forecast"]),
  ];
  return [name, ...options].join(", ");
}

/** Returns whether a request asks for guidance, which makes batches of two. */
export function isGuided({ guidanceScale, guidanceScale2 }: ResolvedRequest): boolean {
  return guidanceScale > 1 || (guidanceScale2 ?? 0) > 1;
}

/** Returns a copy whose members, at any depth, are in the order of their names. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
