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

/** Reference to an unfinished job, whose marker is in the folder of its API key. */
export interface UnfinishedRef extends JobRef {
  readonly keyId: string;
}

/** Key of the marker that each unfinished job has, so that the sweeper need not read finished jobs. */
export const unfinishedKey = ({ tenant, keyId, id }: UnfinishedRef) =>
  `${unfinishedPrefix(tenant, keyId)}${id}`;

export const UNDELIVERED_PREFIX = "undelivered/";

/** Reference to an undelivered marker. */
export interface UndeliveredRef extends JobRef {
  /** Time of the marker, in milliseconds since 1970; null for a marker of the first versions, which had none. */
  readonly dueAt: number | null;
}

/**
 * Key of the marker of a job whose webhooks are not all settled. It begins with the time at which one of them is due,
 * so that a listing has those first that are due now. A folder holds those of three hours.
 */
export const undeliveredKey = ({ tenant, id, dueAt }: UndeliveredRef) =>
  `${UNDELIVERED_PREFIX}${dueAt === null ? `${tenant}/${id}` : `${dueText(dueAt)}.${tenant}.${id}`}`;

/** Text after which a listing has the markers of this time, of later ones, and of tenants in keys without a time. */
export const undeliveredFrom = (time: number) => `${UNDELIVERED_PREFIX}${dueText(time)}`;

/** Writes a time with 13 digits, the last 7 of them after a slash. */
function dueText(time: number): string {
  const digits = String(time).padStart(13, "0");
  return `${digits.slice(0, -7)}/${digits.slice(-7)}`;
}

const UNDELIVERED = /^undelivered\/(?:(\d{6})\/(\d{7})\.([^./]+)\.|([^/]+)\/)(video_[^/]+)$/;

/** Parses the key of an undelivered marker; null for any other key. */
export function undeliveredOfKey(key: string): UndeliveredRef | null {
  const [, start, end, tenant, oldTenant, id] = UNDELIVERED.exec(key) ?? [];
  if (id === undefined || !isVideoId(id)) return null;
  if (oldTenant !== undefined) return { tenant: oldTenant, id, dueAt: null };
  return { tenant: tenant!, id, dueAt: Number(`${start}${end}`) };
}

/** Key of an output. It contains the attempt, so a replaced worker cannot overwrite its successor's video. */
export const artifactKey = ({ tenant, id }: JobRef, attempt: number, name: string) =>
  `${artifactsPrefix({ tenant, id })}${attempt}/${name}`;

/** Key of the picture of what an attempt is making. A newer preview replaces it, and the attempt's end deletes it. */
export const previewKey = (ref: JobRef, attempt: number) => artifactKey(ref, attempt, "preview.webp");

export const artifactsPrefix = ({ tenant, id }: JobRef) => `artifacts/${tenant}/${id}/`;

/**
 * Key of a picture that the job's video is made of. `creation` is drawn by the process that creates the job, so that
 * no two of them write the same object.
 */
export const inputKey = ({ tenant, id }: JobRef, creation: string, name: string) =>
  `${inputsPrefix({ tenant, id })}${creation}/${name}`;

export const inputsPrefixOfTenant = (tenant: string) => `inputs/${tenant}/`;

export const inputsPrefix = ({ tenant, id }: JobRef) => `${inputsPrefixOfTenant(tenant)}${id}/`;

export const claimsPrefix = (tenant: string) => `claims/${tenant}/`;

export const claimKey = (tenant: string, scope: string) => `${claimsPrefix(tenant)}${scope}.json`;

/** Returns the job whose record or marker has this key, such as a bucket's event names; null for any other key. */
export function jobOfKey(key: string): JobRef | null {
  const undelivered = undeliveredOfKey(key);
  if (undelivered) return { tenant: undelivered.tenant, id: undelivered.id };
  const [folder, tenant, ...rest] = key.split("/");
  const depth = { jobs: 1, unfinished: 2 }[folder!];
  if (!tenant || rest.length !== depth) return null;
  const name = rest.at(-1)!;
  const id = folder === "jobs" ? invertVideoId(name.replace(/\.json$/, "")) : name;
  if (!isVideoId(id)) return null;
  const ref = { tenant, id };
  return folder === "jobs" && jobKey(ref) !== key ? null : ref;
}
