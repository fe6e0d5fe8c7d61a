import { invertVideoId, isVideoId } from "./ids.ts";
import type { JobRef } from "./record.ts";

/* Keys of the objects of jobs. Tenants never share a prefix. */

/** Prefix of a tenant's records. An ascending listing has the newest job first. */
export const jobsPrefix = (tenant: string) => `jobs/${tenant}/`;

export const jobKey = ({ tenant, id }: JobRef) => `${jobsPrefix(tenant)}${invertVideoId(id)}.json`;

export const UNFINISHED_PREFIX = "unfinished/";

export const unfinishedPrefixOfTenant = (tenant: string) => `${UNFINISHED_PREFIX}${tenant}/`;

export const unfinishedPrefix = (tenant: string, keyId: string) =>
  `${unfinishedPrefixOfTenant(tenant)}${keyId}/`;

/** Key of the marker that each unfinished job has, so that the sweeper need not read finished jobs. */
export const unfinishedKey = ({ tenant, keyId, id }: JobRef & { readonly keyId: string }) =>
  `${unfinishedPrefix(tenant, keyId)}${id}`;

export const UNDELIVERED_PREFIX = "undelivered/";

/** Key of the marker of a job whose webhooks are not all settled. */
export const undeliveredKey = ({ tenant, id }: JobRef) => `${UNDELIVERED_PREFIX}${tenant}/${id}`;

/** Key of an output. It contains the attempt, so a replaced worker cannot overwrite its successor's video. */
export const artifactKey = ({ tenant, id }: JobRef, attempt: number, name: string) =>
  `${artifactsPrefix({ tenant, id })}${attempt}/${name}`;

export const artifactsPrefix = ({ tenant, id }: JobRef) => `artifacts/${tenant}/${id}/`;

export const claimsPrefix = (tenant: string) => `claims/${tenant}/`;

export const claimKey = (tenant: string, scope: string) => `${claimsPrefix(tenant)}${scope}.json`;

/** Returns the job whose record or marker has this key, such as a bucket's event names; null for any other key. */
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
