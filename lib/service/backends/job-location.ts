import { type JobRef, jobKey, jobOfKey } from "../jobs/index.ts";

/** Returns the URL of a job's record in the store at `storeUrl`, which SageMaker takes as input. */
export function jobLocation(storeUrl: string, ref: JobRef): string {
  return `${rootOf(storeUrl)}${jobKey(ref)}`;
}

/** Returns the job whose record is at this URL; null for any other URL. */
export function jobAt(storeUrl: string, location: string): JobRef | null {
  const root = rootOf(storeUrl);
  return location.startsWith(root) ? jobOfKey(location.slice(root.length)) : null;
}

function rootOf(storeUrl: string): string {
  return storeUrl.endsWith("/") ? storeUrl : `${storeUrl}/`;
}
