import * as z from "zod";
import type { Clock, Random, Sleep } from "../../shared/ports.ts";
import type { KeyRing } from "../keys/index.ts";
import { everyKey, type ObjectStore, records } from "../storage/index.ts";
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
  /** The API key whose limits its videos count against. */
  keyId: z.string(),
  name: z.string(),
  /** A template. */
  prompt: z.string(),
  /** What a request for a video says besides the prompt; the API checks it before it is kept and when it is used. */
  video: z.record(z.string(), z.unknown()),
  /** All must hold. */
  filter: z.array(conditionSchema),
  isEnabled: z.boolean(),
  scheme: z.enum(SIGNATURE_SCHEMES),
  /** The newest first. `until` is when one that was replaced ends. */
  secrets: z.array(z.object({ kept: z.string(), until: time.nullable() })),
  createdAt: time,
  updatedAt: time,
});

export type Trigger = z.infer<typeof triggerSchema>;
export type TriggerFields = Pick<Trigger, "name" | "prompt" | "video" | "filter" | "isEnabled">;

/** `secret` is shown to its owner and never again. */
export interface TriggerWithSecret {
  readonly trigger: Trigger;
  readonly secret: string;
}

export interface NewTrigger extends TriggerFields, Pick<Trigger, "tenant" | "keyId" | "scheme"> {
  /** The sender's own, if it insists on one. */
  readonly secret?: string | undefined;
}

/** The triggers of all tenants. */
export interface Triggers {
  create(trigger: NewTrigger): Promise<TriggerWithSecret>;
  read(tenant: string, id: string): Promise<Trigger | null>;
  /** In the order of their creation. */
  list(tenant: string): Promise<Trigger[]>;
  /** Null when there is none of that id. */
  update(tenant: string, id: string, fields: Partial<TriggerFields>): Promise<Trigger | null>;
  /** A new secret; the old one is accepted too for `keepMs`, so that senders can change over. */
  rotate(
    tenant: string,
    id: string,
    options: { readonly secret?: string | undefined; readonly keepMs: number },
  ): Promise<TriggerWithSecret | null>;
  /** Whether there was one. */
  delete(tenant: string, id: string): Promise<boolean>;
  /** Null for a trigger that is unknown or disabled, and for a webhook it does not accept: nothing tells which. */
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
/** A webhook names no tenant, so triggers are found by their id, and those of a tenant by empty objects. */
const keyOf = (id: string) => `triggers/${id}.json`;
const markersOf = (tenant: string) => `tenant-triggers/${tenant}/`;
const markerOf = ({ tenant, id }: Pick<Trigger, "tenant" | "id">) => markersOf(tenant) + id;

const EMPTY = new Uint8Array();

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
      // The marker first: a trigger that is not listed could never be deleted.
      await store.put(markerOf(trigger), EMPTY);
      await stored.create(keyOf(id), trigger);
      return { trigger, secret };
    },
    async list(tenant) {
      const found: Trigger[] = [];
      for await (const marker of everyKey(store, markersOf(tenant))) {
        const trigger = await find(marker.slice(markersOf(tenant).length));
        if (trigger) found.push(trigger);
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
      const trigger = await change(tenant, id, ({ secrets: [previous] }) => ({
        secrets: keepMs > 0 && previous ? [newest, { ...previous, until: clock.now() + keepMs }] : [newest],
      }));
      return trigger && { trigger, secret };
    },
    async delete(tenant, id) {
      const trigger = await read(tenant, id);
      if (!trigger) return false;
      await store.delete(keyOf(id));
      await store.delete(markerOf(trigger));
      return true;
    },
    async authenticate(id, webhook) {
      const trigger = await find(id);
      if (!trigger?.isEnabled) return null;
      const { scheme, secrets } = trigger;
      const now = clock.now();
      const delivery = verifyDelivery(scheme, webhook, {
        secrets: secrets
          .filter(({ until }) => until === null || until > now)
          .map(({ kept }) => (scheme === "bearer" ? kept : ring.unseal(kept, id))),
        nowSeconds: Math.floor(now / 1000),
      });
      return delivery && { trigger, delivery };
    },
  };
}
