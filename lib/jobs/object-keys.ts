import { invertVideoId } from "./ids.ts";
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
