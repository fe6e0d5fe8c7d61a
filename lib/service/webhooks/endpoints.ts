import * as z from "zod";
import type { Clock, Random, Sleep } from "../../shared/ports.ts";
import { EVENT_TYPES } from "../jobs/index.ts";
import { type KeyRing, keptAfter, stillKept } from "../keys/index.ts";
import { everyKey, type ObjectStore, records, unlessDamaged } from "../storage/index.ts";

/** Milliseconds since 1970. */
const time = z.int().nonnegative();

const keptSecretSchema = z.object({ version: z.int().positive(), until: time });

const storedSchema = z.object({
  id: z.string(),
  tenant: z.string(),
  name: z.string(),
  url: z.string(),
  eventTypes: z.array(z.enum(EVENT_TYPES)),
  createdAt: time,
  updatedAt: time,
  /** Version of the secret. Secrets are derived from the master key, the id and this number, and are not stored. */
  secretVersion: z.int().positive(),
  /** Earlier versions of the secret and the times until which they still sign, newest first. */
  keptSecrets: z.array(keptSecretSchema).optional(),
  /** Only earlier version that the first versions of this program kept. */
  previousSecret: keptSecretSchema.nullish(),
  /** Time at which the receiver answered 410 (gone for good). */
  disabledAt: time.nullable(),
});

const endpointSchema = storedSchema.transform(({ previousSecret, keptSecrets, ...endpoint }) => ({
  ...endpoint,
  keptSecrets: keptSecrets ?? (previousSecret ? [previousSecret] : []),
}));

export type WebhookEndpoint = z.infer<typeof endpointSchema>;
export type EndpointFields = Pick<WebhookEndpoint, "name" | "url" | "eventTypes">;

/** Store of the webhook endpoints of all tenants. Methods reject with RecordError for a damaged record, unless told. */
export interface Endpoints {
  create(tenant: string, fields: EndpointFields): Promise<WebhookEndpoint>;
  read(tenant: string, id: string): Promise<WebhookEndpoint | null>;
  /** Lists the endpoints in order of creation. Damaged records are left out. */
  list(tenant: string): Promise<WebhookEndpoint[]>;
  /** Updates an endpoint. A new URL enables a disabled endpoint. Resolves to null if there is none with that id. */
  update(tenant: string, id: string, fields: Partial<EndpointFields>): Promise<WebhookEndpoint | null>;
  /**
   * Creates a new secret. The old secret still signs for `keepMs`, a day at most, so that receivers can change over, and
   * so do those that were promised it before. With 0, the new secret alone signs.
   *
   * @throws KeptSecretsError if too many old secrets were promised to sign
   */
  rotate(tenant: string, id: string, keepMs: number): Promise<WebhookEndpoint | null>;
  disable(tenant: string, id: string): Promise<void>;
  /** Deletes the endpoint, also one whose record is damaged; resolves to false if there was none. */
  delete(tenant: string, id: string): Promise<boolean>;
  /** Secrets that sign for the endpoint now, newest first. */
  secrets(endpoint: WebhookEndpoint): string[];
}

export interface EndpointsDeps {
  readonly store: ObjectStore;
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
  /** Waits between two tries of a write. */
  readonly sleep: Sleep;
}

const prefixOf = (tenant: string) => `webhook-endpoints/${tenant}/`;
const keyOf = (tenant: string, id: string) => `${prefixOf(tenant)}${id}.json`;
const ID = /^we_[0-9a-f]{32}$/;

export function webhookEndpoints({ store, ring, clock, random, sleep }: EndpointsDeps): Endpoints {
  const stored = records(store, endpointSchema, { random, sleep });

  async function change(
    tenant: string,
    id: string,
    next: (endpoint: WebhookEndpoint) => WebhookEndpoint,
  ): Promise<WebhookEndpoint | null> {
    if (!ID.test(id)) return null;
    const updated = await stored.update(keyOf(tenant, id), (endpoint) => ({
      next: { ...next(endpoint), updatedAt: clock.now() },
    }));
    return updated.ok ? updated.value : null;
  }

  async function read(tenant: string, id: string): Promise<WebhookEndpoint | null> {
    return ID.test(id) ? ((await stored.read(keyOf(tenant, id)))?.value ?? null) : null;
  }

  return {
    read,
    async create(tenant, fields) {
      const now = clock.now();
      const endpoint: WebhookEndpoint = {
        ...fields,
        id: `we_${Buffer.from(random(16)).toString("hex")}`,
        tenant,
        createdAt: now,
        updatedAt: now,
        secretVersion: 1,
        keptSecrets: [],
        disabledAt: null,
      };
      await stored.create(keyOf(tenant, endpoint.id), endpoint);
      return endpoint;
    },
    async list(tenant) {
      const found: WebhookEndpoint[] = [];
      for await (const key of everyKey(store, prefixOf(tenant))) {
        const entry = await stored.read(key).catch(unlessDamaged);
        if (entry && entry !== "damaged") found.push(entry.value);
      }
      return found.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    },
    update: (tenant, id, fields) =>
      change(tenant, id, (endpoint) => ({
        ...endpoint,
        ...fields,
        disabledAt: fields.url === undefined ? endpoint.disabledAt : null,
      })),
    rotate: (tenant, id, keepMs) =>
      change(tenant, id, (endpoint) => {
        const { secretVersion: version, keptSecrets } = endpoint;
        const now = clock.now();
        const replaced = keepMs > 0 ? { version, until: now + keepMs } : null;
        return {
          ...endpoint,
          secretVersion: version + 1,
          keptSecrets: keptAfter(keptSecrets, replaced, now),
        };
      }),
    async disable(tenant, id) {
      await change(tenant, id, (endpoint) => ({
        ...endpoint,
        disabledAt: endpoint.disabledAt ?? clock.now(),
      }));
    },
    async delete(tenant, id) {
      if (!(await read(tenant, id).catch(unlessDamaged))) return false;
      await store.delete(keyOf(tenant, id));
      return true;
    },
    secrets({ id, secretVersion, keptSecrets }) {
      const kept = stillKept(keptSecrets, clock.now()).map(({ version }) => version);
      return [secretVersion, ...kept].map((version) => ring.webhookSecret(id, version));
    },
  };
}

/** Returns the tenant's secret that signs webhooks to URLs given in requests. */
export function requestSecret(ring: KeyRing, tenant: string): string {
  return ring.webhookSecret(`tenant:${tenant}`, 1);
}
