import * as z from "zod";
import { isAhead } from "../../shared/ahead.ts";
import type { Clock, Random, Sleep } from "../../shared/ports.ts";
import { everyKey, type ObjectStore, records, unlessDamaged } from "../storage/index.ts";
import { matchesHash, newApiKey, parseApiKey } from "./api-key.ts";

/** Milliseconds since 1970. */
const time = z.int().nonnegative();

const apiKeySchema = z.object({
  id: z.string(),
  tenant: z.string(),
  name: z.string(),
  /** SHA-256 of the whole key, which itself is not stored. */
  hash: z.string(),
  createdAt: time,
  revokedAt: time.nullable(),
  /** US dollars that its videos of one day may cost; null without a limit, as for the keys of earlier versions. */
  usdPerDay: z.number().positive().nullable().default(null),
});

export type ApiKey = z.infer<typeof apiKeySchema>;

/** Caller of the API, identified by a valid key. */
export interface Principal {
  readonly tenant: string;
  readonly keyId: string;
}

export interface ApiKeys {
  /** Creates a key. `key` can be shown only now, because it is not stored. */
  create(options: {
    readonly tenant: string;
    readonly name: string;
    readonly usdPerDay?: number | undefined;
  }): Promise<{ key: string; apiKey: ApiKey }>;
  /** Lists all keys, oldest first. Damaged records are left out: no key can be known by them. */
  list(): Promise<ApiKey[]>;
  /**
   * Revokes a key; resolves to null if there is none with that id. Other processes may accept the key for 5 more
   * seconds.
   */
  revoke(id: string): Promise<ApiKey | null>;
  /** Resolves to the US dollars that a key's videos of one day may cost; null without a limit. */
  limitOf(id: string): Promise<number | null>;
  /** Resolves to null for a key that is malformed, unknown, wrong or revoked; the caller cannot tell which. */
  authenticate(text: string): Promise<Principal | null>;
}

export interface ApiKeysDeps {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Waits between two tries of a write. */
  readonly sleep: Sleep;
}

/** Time for which a key that was read is not read again. */
const BELIEVED_MS = 5_000;
const REMEMBERED_MAX = 1_000;

const PREFIX = "api-keys/";
/** Text that sorts after all API keys, and before every other object of a store. */
export const AFTER_API_KEYS = "api-keys0";
const keyOf = (id: string) => `${PREFIX}${id}.json`;

const ID = /^[0-9a-z]{1,32}$/;

/** Name of a tenant. It is part of the object keys of everything that belongs to the tenant. */
const TENANT = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * Opens the API keys of all tenants.
 *
 * @example
 * const keys = apiKeys({ store, ...system });
 * const { key, apiKey } = await keys.create({ tenant: "default", name: "laptop" });
 * await keys.authenticate(key); // { tenant: "default", keyId: apiKey.id }
 * await keys.revoke(apiKey.id);
 * await keys.authenticate(key); // null
 */
export function apiKeys({ store, clock, random, sleep }: ApiKeysDeps): ApiKeys {
  const stored = records(store, apiKeySchema, { random, sleep });
  const seen = new Map<string, { apiKey: ApiKey; until: number }>();

  async function find(id: string): Promise<ApiKey | null> {
    const known = seen.get(id);
    if (known && isAhead(known.until, clock.now(), BELIEVED_MS)) return known.apiKey;
    seen.delete(id);
    const entry = await stored.read(keyOf(id));
    if (!entry) return null;
    // Evicts the oldest entry: a Map keeps the order of insertion.
    if (seen.size >= REMEMBERED_MAX) seen.delete(seen.keys().next().value!);
    seen.set(id, { apiKey: entry.value, until: clock.now() + BELIEVED_MS });
    return entry.value;
  }

  return {
    async create({ tenant, name, usdPerDay = null }) {
      if (!TENANT.test(tenant)) {
        throw new RangeError(
          "A tenant's name has 1 to 63 lower-case letters, digits and dashes, and does not begin with a dash.",
        );
      }
      for (;;) {
        const { id, key, hash } = newApiKey(random);
        const apiKey = { id, tenant, name, hash, createdAt: clock.now(), revokedAt: null, usdPerDay };
        const created = await stored.create(keyOf(id), apiKey);
        // Otherwise the id exists already, which is unlikely, and another one is drawn.
        if (created.ok) return { key, apiKey };
      }
    },
    async list() {
      const found: ApiKey[] = [];
      for await (const key of everyKey(store, PREFIX)) {
        const entry = await stored.read(key).catch(unlessDamaged);
        if (entry && entry !== "damaged") found.push(entry.value);
      }
      return found.sort((a, b) => a.createdAt - b.createdAt);
    },
    async revoke(id) {
      if (!ID.test(id)) return null;
      const updated = await stored.update(keyOf(id), (apiKey) => ({
        next: apiKey.revokedAt === null ? { ...apiKey, revokedAt: clock.now() } : null,
      }));
      seen.delete(id);
      return updated.ok ? updated.value : null;
    },
    async limitOf(id) {
      return (await find(id))?.usdPerDay ?? null;
    },
    async authenticate(text) {
      const parsed = parseApiKey(text);
      const apiKey = parsed && (await find(parsed.id));
      if (!apiKey || !matchesHash(text, apiKey.hash) || apiKey.revokedAt !== null) return null;
      return { tenant: apiKey.tenant, keyId: apiKey.id };
    },
  };
}
