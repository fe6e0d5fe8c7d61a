import type { Clock } from "../../shared/ports.ts";
import { everyKey, type ObjectStore, type Records, unlessDamaged } from "../storage/index.ts";
import { type ClaimRecord, isOver } from "./claims.ts";
import { nextDueAt } from "./due.ts";
import { invertedTime } from "./ids.ts";
import { purgeInputs } from "./inputs.ts";
import {
  artifactsPrefix,
  claimsPrefix,
  inputsPrefix,
  jobKey,
  jobOfKey,
  jobsPrefix,
  undeliveredKey,
  unfinishedPrefixOfTenant,
} from "./object-keys.ts";
import { isFinished, type JobRecord, type JobRef } from "./record.ts";

export interface JobDeletionDeps {
  readonly store: ObjectStore;
  readonly jobs: Records<JobRecord>;
  readonly claims: Records<ClaimRecord>;
  readonly clock: Clock;
}

/** Makes the part of the job store that deletes what jobs have left. */
export function jobDeletion({ store, jobs, claims, clock }: JobDeletionDeps) {
  async function deleteFiles(ref: JobRef): Promise<void> {
    for (const prefix of [artifactsPrefix(ref), inputsPrefix(ref)])
      for await (const key of everyKey(store, prefix)) await store.delete(key);
  }

  async function deleteDamaged(ref: JobRef): Promise<void> {
    await deleteFiles(ref);
    // The sweep removes the undelivered marker, whose time only the record told.
    // The API key that names the unfinished marker's folder cannot be read either.
    for await (const key of everyKey(store, unfinishedPrefixOfTenant(ref.tenant)))
      if (key.endsWith(`/${ref.id}`)) await store.delete(key);
    await store.delete(jobKey(ref));
  }

  async function deleteFinished(ref: JobRef, record: JobRecord): Promise<void> {
    await deleteFiles(ref);
    const dueAt = nextDueAt(record);
    if (dueAt !== null) await store.delete(undeliveredKey({ ...ref, dueAt }));
    await store.delete(jobKey(ref));
  }

  async function purgeJobs(tenant: string, before: number): Promise<number> {
    let purged = 0;
    const after = `${jobsPrefix(tenant)}${invertedTime(before)}`;
    for await (const key of everyKey(store, jobsPrefix(tenant), after)) {
      const ref = jobOfKey(key);
      if (!ref) continue;
      const found = await jobs.read(key).catch(unlessDamaged);
      if (found === "damaged") await deleteDamaged(ref);
      else if (found && isFinished(found.value)) await deleteFinished(ref, found.value);
      else continue;
      purged += 1;
    }
    return purged;
  }

  async function purgeClaims(tenant: string): Promise<void> {
    for await (const key of everyKey(store, claimsPrefix(tenant))) {
      const claim = await claims.read(key).catch(unlessDamaged);
      if (claim === "damaged" || claim === null) continue;
      if (isOver(claim.value, clock.now())) await store.delete(key, { ifMatch: claim.etag });
    }
  }

  return {
    deleteFiles,
    deleteDamaged,
    async purge(tenant: string, before: number): Promise<number> {
      const purged = await purgeJobs(tenant, before);
      const isThere = async (ref: JobRef) => (await jobs.read(jobKey(ref)).catch(unlessDamaged)) !== null;
      await purgeInputs(store, tenant, { before, isThere });
      await purgeClaims(tenant);
      return purged;
    },
  };
}
