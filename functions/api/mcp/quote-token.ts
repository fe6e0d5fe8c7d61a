import { createHmac } from "node:crypto";
import type { Principal } from "../../../lib/service/keys/index.ts";
import { isSameSecret } from "../../../lib/shared/is-same-secret.ts";
import type { Clock, Random } from "../../../lib/shared/ports.ts";
import { canonicalJson, hash } from "../claim.ts";

/** Time for which a quote can be used. */
export const QUOTE_LIFETIME_MS = 30 * 60_000;

const NONCE_BYTES = 9;
/** Characters of the hash of the arguments: it tells quotes apart, and the signature keeps them. */
const HASH_CHARACTERS = 16;
const MAC_BYTES = 16;

/** Quote that was given to a key for certain arguments, as far as it can be told from its text. */
export type ReadQuote = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface QuoteTokens {
  /** Makes the text of a new quote, and says when it ends. */
  sign(principal: Principal, args: object): { readonly token: string; readonly expiresAt: number };
  /** Reads a quote that is to be used with these arguments; `reason` says what to do instead. */
  read(token: string, principal: Principal, args: object): ReadQuote;
}

/**
 * Makes and reads quotes. A quote is stored nowhere: it holds its end and a hash of the arguments, signed together with
 * the key that it was given to. Its random part makes it a key by which one quote makes one video.
 */
export function quoteTokens(
  secret: Uint8Array,
  { clock, random }: { clock: Clock; random: Random },
): QuoteTokens {
  const mac = ({ tenant, keyId }: Principal, payload: string) =>
    createHmac("sha256", secret)
      .update(canonicalJson([tenant, keyId, payload]))
      .digest()
      .subarray(0, MAC_BYTES)
      .toString("base64url");
  return {
    sign(principal, args) {
      const expiresAt = clock.now() + QUOTE_LIFETIME_MS;
      const nonce = Buffer.from(random(NONCE_BYTES)).toString("base64url");
      const payload = `${expiresAt.toString(36)}.${nonce}.${argumentsHash(args)}`;
      return { token: `${payload}.${mac(principal, payload)}`, expiresAt };
    },
    read(token, principal, args) {
      const [, payload, expiry, hashed, signature] =
        /^(([0-9a-z]{1,12})\.[\w-]{12}\.([0-9a-f]{16}))\.([\w-]{22})$/.exec(token) ?? [];
      if (payload === undefined || !isSameSecret(signature!, mac(principal, payload)))
        return refused("This is no quote of this API key: call quote_video, then make_video with its quote.");
      if (Number.parseInt(expiry!, 36) <= clock.now())
        return refused("This quote has expired: call quote_video again, then make_video with the new quote.");
      if (!isSameSecret(hashed!, argumentsHash(args)))
        return refused(
          "This quote is for other arguments: call make_video with exactly those that were quoted, or quote_video with these.",
        );
      return { ok: true };
    },
  };
}

function argumentsHash(args: object): string {
  return hash(canonicalJson(args)).slice(0, HASH_CHARACTERS);
}

function refused(reason: string): ReadQuote {
  return { ok: false, reason };
}
