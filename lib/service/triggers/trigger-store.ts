import * as z from "zod";
import type { Clock, Random, Sleep } from "../../shared/ports.ts";
import { type KeyRing, keptAfter, SecretError, stillKept } from "../keys/index.ts";
import { everyKey, type ObjectStore, records, unlessDamaged } from "../storage/index.ts";
import {
  type Delivery,
  type IncomingWebhook,
  keptSecret,
  newSecret,
  SIGNATURE_SCHEMES,
  type SignatureScheme,
  verifyDelivery,
} from "./delivery.ts";
import { conditionSchema } from "./filter.ts";

/** Milliseconds since 1970. */
const time = z.int().nonnegative();

const triggerSchema = z.object({
  id: z.string(),
  tenant: z.string(),
  /** API key whose limits apply to the trigger's videos. */
  keyId: z.string(),
  name: z.string(),
  /** Template of the prompt. */
  prompt: z.string(),
  /**
   * Fields of the video request besides the prompt. The API checks them when the trigger is stored and when
   * it runs.
   */
  video: z.record(z.string(), z.unknown()),
  /** Conditions that must all hold. */
  filter: z.array(conditionSchema),
  isEnabled: z.boolean(),
  scheme: z.enum(SIGNATURE_SCHEMES),
  /** Secrets, newest first. `until` is the time at which a replaced secret expires. */
  secrets: z.array(z.object({ kept: z.string(), until: time.nullable() })),
  createdAt: time,
  updatedAt: time,
});

export type Trigger = z.infer<typeof triggerSchema>;
export type TriggerFields = Pick<Trigger, "name" | "prompt" | "video" | "filter" | "isEnabled">;

/** Trigger with its secret, which its owner is shown once. */
export interface TriggerWithSecret {
  readonly trigger: Trigger;
  readonly secret: string;
}

export interface NewTrigger extends TriggerFields, Pick<Trigger, "tenant" | "keyId" | "scheme"> {
  /** Secret chosen by the sender, for services that require it. */
  readonly secret?: string | undefined;
}

/** Store of the triggers of all tenants. */
export interface Triggers {
  create(trigger: NewTrigger): Promise<TriggerWithSecret>;
  read(tenant: string, id: string): Promise<Trigger | null>;
  /** Lists the triggers in order of creation. Damaged records are left out. */
  list(tenant: string): Promise<Trigger[]>;
  /** Updates a trigger; resolves to null if there is none with that id. */
  update(tenant: string, id: string, fields: Partial<TriggerFields>): Promise<Trigger | null>;
  /**
   * Creates a new secret. The old secret is accepted for `keepMs`, a day at most, so that senders can change over, and so
   * are those that were promised it before. With 0, the new secret alone is accepted.
   *
   * @throws KeptSecretsError if too many old secrets were promised to be accepted
   */
  rotate(
    tenant: string,
    id: string,
    options: { readonly secret?: string | undefined; readonly keepMs: number },
  ): Promise<TriggerWithSecret | null>;
  /** Deletes the trigger, also one whose record is damaged; resolves to false if there was none. */
  delete(tenant: string, id: string): Promise<boolean>;
  /**
   * Verifies a webhook for a trigger. Resolves to null if the trigger is unknown or disabled, or the webhook
   * is not accepted; the caller cannot tell which. Rejects with a SecretError if it may be right, but a secret of the
   * trigger cannot be opened.
   */
  authenticate(
    id: string,
    webhook: IncomingWebhook,
  ): Promise<{ readonly trigger: Trigger; readonly delivery: Delivery } | null>;
}

export interface TriggersDeps {
  readonly store: ObjectStore;
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
  /** Waits between two tries of a write. */
  readonly sleep: Sleep;
}

const ID = /^trg_[0-9a-f]{32}$/;
/** Webhooks name no tenant, so triggers are stored by id. Empty marker objects list those of a tenant. */
const keyOf = (id: string) => `triggers/${id}.json`;
const markersOf = (tenant: string) => `tenant-triggers/${tenant}/`;
const markerOf = ({ tenant, id }: Pick<Trigger, "tenant" | "id">) => markersOf(tenant) + id;

const EMPTY = new Uint8Array();

type Secret = Trigger["secrets"][number];

/** Returns the secrets that were replaced. */
function keptIn(secrets: readonly Secret[]): (Secret & { readonly until: number })[] {
  return secrets.flatMap(({ kept, until }) => (until === null ? [] : [{ kept, until }]));
}

export function triggerStore({ store, ring, clock, random, sleep }: TriggersDeps): Triggers {
  const stored = records(store, triggerSchema, { random, sleep });

  async function find(id: string): Promise<Trigger | null> {
    return ID.test(id) ? ((await stored.read(keyOf(id)))?.value ?? null) : null;
  }

  async function read(tenant: string, id: string): Promise<Trigger | null> {
    const trigger = await find(id);
    return trigger?.tenant === tenant ? trigger : null;
  }

  async function change(
    tenant: string,
    id: string,
    next: (trigger: Trigger) => Partial<Trigger>,
  ): Promise<Trigger | null> {
    if (!(await read(tenant, id))) return null;
    const updated = await stored.update(keyOf(id), (trigger) => ({
      next: { ...trigger, ...next(trigger), updatedAt: clock.now() },
    }));
    return updated.ok ? updated.value : null;
  }

  const keep = (scheme: SignatureScheme, secret: string, id: string) =>
    keptSecret(scheme, secret, (plain) => ring.seal(plain, id));

  /** Opens a sealed secret; null if it was sealed with another master key. */
  function openSecret(kept: string, id: string): string | null {
    try {
      return ring.unseal(kept, id);
    } catch (error) {
      if (error instanceof SecretError) return null;
      throw error;
    }
  }

  return {
    read,
    async create({ secret: given, ...fields }) {
      const id = `trg_${Buffer.from(random(16)).toString("hex")}`;
      const secret = given ?? newSecret(fields.scheme, random);
      const now = clock.now();
      const trigger: Trigger = {
        ...fields,
        id,
        secrets: [{ kept: keep(fields.scheme, secret, id), until: null }],
        createdAt: now,
        updatedAt: now,
      };
      // The marker is written first: a trigger that is not listed could not be deleted.
      await store.put(markerOf(trigger), EMPTY);
      await stored.create(keyOf(id), trigger);
      return { trigger, secret };
    },
    async list(tenant) {
      const found: Trigger[] = [];
      for await (const marker of everyKey(store, markersOf(tenant))) {
        const trigger = await find(marker.slice(markersOf(tenant).length)).catch(unlessDamaged);
        if (trigger && trigger !== "damaged") found.push(trigger);
      }
      return found.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    },
    update: (tenant, id, fields) => change(tenant, id, () => fields),
    async rotate(tenant, id, { secret: given, keepMs }) {
      const current = await read(tenant, id);
      if (!current) return null;
      const { scheme } = current;
      const secret = given ?? newSecret(scheme, random);
      const newest = { kept: keep(scheme, secret, id), until: null };
      const trigger = await change(tenant, id, ({ secrets: [previous, ...older] }) => {
        const now = clock.now();
        const replaced = keepMs > 0 && previous ? { ...previous, until: now + keepMs } : null;
        return { secrets: [newest, ...keptAfter(keptIn(older), replaced, now)] };
      });
      return trigger && { trigger, secret };
    },
    async delete(tenant, id) {
      const marker = markerOf({ tenant, id });
      const trigger = await read(tenant, id).catch(unlessDamaged);
      // A damaged record does not tell whose it is; the marker does.
      const isOwn =
        trigger === "damaged"
          ? (await store.list(marker, { limit: 1 })).keys[0] === marker
          : trigger !== null;
      if (!isOwn) return false;
      await store.delete(keyOf(id));
      await store.delete(marker);
      return true;
    },
    async authenticate(id, webhook) {
      const trigger = await find(id);
      if (!trigger?.isEnabled) return null;
      const { scheme, secrets } = trigger;
      const now = clock.now();
      const newest = secrets.filter(({ until }) => until === null);
      const active = [...newest, ...stillKept(keptIn(secrets), now)];
      const opened = active.flatMap(({ kept }) =>
        scheme === "bearer" ? kept : (openSecret(kept, id) ?? []),
      );
      const delivery =
        opened.length > 0
          ? verifyDelivery(scheme, webhook, { secrets: opened, nowSeconds: Math.floor(now / 1000) })
          : null;
      if (delivery) return { trigger, delivery };
      if (opened.length === active.length) return null;
      throw new SecretError(
        `The secret of the trigger ${id} was sealed with another master key, or was changed.`,
      );
    },
  };
}
