import type { Random } from "../../shared/ports.ts";
import { everyKey, type ObjectStore, StoreError } from "../storage/index.ts";
import { isVideoId, videoIdTime } from "./ids.ts";
import { inputKey, inputsPrefix, inputsPrefixOfTenant } from "./object-keys.ts";
import type { Input, JobRecord, JobRef } from "./record.ts";

/** Picture that a video is made of, before it is stored. */
export interface NewInput extends Pick<Input, "contentType" | "sha256" | "width" | "height"> {
  readonly body: Uint8Array;
}

/**
 * Inputs of one creation of a job. Their keys are its own, so that it may store, repeat and delete them, whatever other
 * processes do that create the same job.
 */
export interface CreationInputs {
  /** Description of them in the record. */
  readonly described: JobRecord["inputs"];
  readonly isEmpty: boolean;
  /** Stores them; may be repeated. */
  put(): Promise<void>;
  /** Deletes them, except those that `record` names. */
  drop(record?: Pick<JobRecord, "inputs">): Promise<void>;
}

/** Prepares the inputs of a creation. Nothing is stored yet. */
export function creationInputs(
  ref: JobRef,
  given: Readonly<Record<string, NewInput>>,
  { store, random }: { readonly store: ObjectStore; readonly random: Random },
): CreationInputs {
  const entries = Object.entries(given);
  const creation = entries.length > 0 ? Buffer.from(random(8)).toString("hex") : "";
  const keyed = entries.map(([name, input]) => ({ name, key: inputKey(ref, creation, name), input }));
  return {
    described: Object.fromEntries(
      keyed.map(({ name, key, input: { body, ...input } }) => [name, { key, bytes: body.length, ...input }]),
    ),
    isEmpty: keyed.length === 0,
    async put() {
      for (const { key, input } of keyed) {
        // Nobody else writes under this key, so what is there already is the same.
        const put = await store.put(key, input.body, { ifAbsent: true, contentType: input.contentType });
        if (!put.ok && put.reason === "conflict")
          throw new StoreError("unavailable", `The input ${key} cannot be written now; try again.`);
      }
    },
    async drop({ inputs } = { inputs: {} }) {
      const named = Object.values(inputs).map(({ key }) => key);
      for (const { key } of keyed) if (!named.includes(key)) await store.delete(key);
    },
  };
}

/** Returns the keys of all inputs that are stored for a job, those that no record names included. */
export async function inputKeysOf(store: ObjectStore, ref: JobRef): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of everyKey(store, inputsPrefix(ref))) keys.push(key);
  return keys;
}

/** Deletes inputs of a tenant's jobs that would have been created before a time, and that do not exist. */
export async function purgeInputs(
  store: ObjectStore,
  tenant: string,
  { before, isThere }: { readonly before: number; readonly isThere: (ref: JobRef) => Promise<boolean> },
): Promise<void> {
  const prefix = inputsPrefixOfTenant(tenant);
  for await (const key of everyKey(store, prefix)) {
    const id = key.slice(prefix.length).split("/")[0]!;
    if (!isVideoId(id) || videoIdTime(id) >= before) continue;
    if (!(await isThere({ tenant, id }))) await store.delete(key);
  }
}
