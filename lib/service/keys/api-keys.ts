import * as z from "zod";
import type { Clock, Random, Sleep } from "../../shared/ports.ts";
import { everyKey, type ObjectStore, records } from "../storage/index.ts";
import { matchesHash, newApiKey, parseApiKey } from "./api-key.ts";

/** Milliseconds since 1970. */
const time = z.int().nonnegative();

const apiKeySchema = z.object({
  id: z.string(),
  tenant: z.string(),
  name: z.string(),
  /** SHA-256 of the whole key, which is stored nowhere. */
  hash: z.string(),
  createdAt: time,
  revokedAt: time.nullable(),
});

export type ApiKey = z.infer<typeof apiKeySchema>;

/** Who asks: what a valid key says. */
export interface Principal {
  readonly tenant: string;
  readonly keyId: string;
}

export interface ApiKeys {
  /** `key` is shown to its owner and never again. */
  create(options: {
    readonly tenant: string;
    readonly name: string;
  }): Promise<{ key: string; apiKey: ApiKey }>;
  /** Oldest first. */
  list(): Promise<ApiKey[]>;
  /** Null when there is no key of that id. Processes that saw the key lately go on to accept it for a few seconds. */
  revoke(id: string): Promise<ApiKey | null>;
  /** Null for a key that is malformed, unknown, wrong or revoked: nothing tells which. */
  authenticate(text: string): Promise<Principal | null>;
}

export interface ApiKeysDeps {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Waits between two tries of a write. */
  readonly sleep: Sleep;
}

/** How long a key is believed without looking. */
const BELIEVED_MS = 5_000;
const REMEMBERED_MAX = 1_000;

const PREFIX = "api-keys/";
const keyOf = (id: string) => `${PREFIX}${id}.json`;

const ID = /^[0-9a-z]{1,32}$/;

/** Part of every key of an object that belongs to the tenant. */
const TENANT = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The API keys of all tenants. */
export function apiKeys({ store, clock, random, sleep }: ApiKeysDeps): ApiKeys {
  const stored = records(store, apiKeySchema, { random, sleep });
  const seen = new Map<string, { apiKey: ApiKey; until: number }>();

  async function find(id: string): Promise<ApiKey | null> {
    const known = seen.get(id);
    if (known && known.until > clock.now()) return known.apiKey;
    seen.delete(id);
    const entry = await stored.read(keyOf(id));
    if (!entry) return null;
    // The oldest entry makes room: a Map keeps the order of insertion.
    if (seen.size >= REMEMBERED_MAX) seen.delete(seen.keys().next().value!);
    seen.set(id, { apiKey: entry.value, until: clock.now() + BELIEVED_MS });
    return entry.value;
  }

  return {
    async create({ tenant, name }) {
      if (!TENANT.test(tenant)) {
        throw new RangeError(
          "A tenant's name has 1 to 63 lower-case letters, digits and dashes, and does not begin with a dash.",
        );
      }
      for (;;) {
        const { id, key, hash } = newApiKey(random);
        const apiKey: ApiKey = { id, tenant, name, hash, createdAt: clock.now(), revokedAt: null };
        const created = await stored.create(keyOf(id), apiKey);
        // An id is short enough to be drawn twice, once in a very long while.
        if (created.ok) return { key, apiKey };
      }
    },
    async list() {
      const found: ApiKey[] = [];
      for await (const key of everyKey(store, PREFIX)) {
        const entry = await stored.read(key);
        if (entry) found.push(entry.value);
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
    async authenticate(text) {
      const parsed = parseApiKey(text);
      const apiKey = parsed && (await find(parsed.id));
      if (!apiKey || !matchesHash(text, apiKey.hash) || apiKey.revokedAt !== null) return null;
      return { tenant: apiKey.tenant, keyId: apiKey.id };
    },
  };
}
