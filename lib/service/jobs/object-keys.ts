import { invertVideoId, isVideoId } from "./ids.ts";
import type { JobRef } from "./record.ts";

/** Where the objects of jobs lie. Tenants never share a prefix. */

/** Newest first, as an object store lists. */
export const jobsPrefix = (tenant: string) => `jobs/${tenant}/`;

export const jobKey = ({ tenant, id }: JobRef) => `${jobsPrefix(tenant)}${invertVideoId(id)}.json`;

export const UNFINISHED_PREFIX = "unfinished/";

export const unfinishedPrefix = (tenant: string, keyId: string) => `${UNFINISHED_PREFIX}${tenant}/${keyId}/`;

/** An empty object for each job that is not over, so that the sweeper need not read those that are. */
export const unfinishedKey = ({ tenant, keyId, id }: JobRef & { readonly keyId: string }) =>
  `${unfinishedPrefix(tenant, keyId)}${id}`;

export const UNDELIVERED_PREFIX = "undelivered/";

/** An object for each finished job whose webhooks are not all settled. */
export const undeliveredKey = ({ tenant, id }: JobRef) => `${UNDELIVERED_PREFIX}${tenant}/${id}`;

/** Two attempts never write under one key, so a worker that was replaced cannot spoil its successor's video. */
export const artifactKey = ({ tenant, id }: JobRef, attempt: number, name: string) =>
  `${artifactsPrefix({ tenant, id })}${attempt}/${name}`;

export const artifactsPrefix = ({ tenant, id }: JobRef) => `artifacts/${tenant}/${id}/`;

export const claimsPrefix = (tenant: string) => `claims/${tenant}/`;

export const claimKey = (tenant: string, scope: string) => `${claimsPrefix(tenant)}${scope}.json`;

/** The job whose record or marker lies under a key, as events of a bucket name it; null for every other key. */
export function jobOfKey(key: string): JobRef | null {
  const [folder, tenant, ...rest] = key.split("/");
  const depth = { jobs: 1, unfinished: 2, undelivered: 1 }[folder!];
  if (!tenant || rest.length !== depth) return null;
  const name = rest.at(-1)!;
  const id = folder === "jobs" ? invertVideoId(name.replace(/\.json$/, "")) : name;
  if (!isVideoId(id)) return null;
  const ref = { tenant, id };
  return folder === "jobs" && jobKey(ref) !== key ? null : ref;
}
