import { type ApiKeys, matchesHash, newApiKey } from "../../lib/service/keys/index.ts";
import type { Random } from "../../lib/shared/ports.ts";

/** API key that lives in the memory of this process alone: it ends with the process, however that ends. */
export interface SessionKey {
  readonly key: string;
  /** The given keys, and this one besides. */
  readonly keys: ApiKeys;
}

/**
 * Makes a key of a tenant that is stored nowhere. It is not in the list of keys, and other processes refuse it.
 *
 * @example
 * const session = sessionKey(keys, { tenant: "default", random });
 * await session.keys.authenticate(session.key); // { tenant: "default", keyId: "..." }
 * await keys.authenticate(session.key); // null
 */
export function sessionKey(
  keys: ApiKeys,
  { tenant, random }: { readonly tenant: string; readonly random: Random },
): SessionKey {
  const { id, key, hash } = newApiKey(random);
  return {
    key,
    keys: {
      ...keys,
      authenticate: async (text) =>
        matchesHash(text, hash) ? { tenant, keyId: id } : keys.authenticate(text),
    },
  };
}
