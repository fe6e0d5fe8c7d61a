import { createHmac } from "node:crypto";
import { isAhead } from "../../shared/ahead.ts";
import { isSameSecret } from "../../shared/is-same-secret.ts";
import type { Clock } from "../../shared/ports.ts";
import { SIGNED_SECONDS_MAX, type SignedUrlOptions } from "./object-store.ts";

export interface UrlSignerOptions {
  /** URL of the server without a trailing slash, or a function that returns it once the server listens. */
  readonly baseUrl: string | (() => string);
  readonly secret: Uint8Array;
  readonly clock: Clock;
}

export type UrlCheck =
  | { readonly ok: true; readonly contentType: string | null; readonly downloadName: string | null }
  | { readonly ok: false; readonly reason: "wrong_signature" | "expired" };

export interface UrlSigner {
  /** Returns `<base>/files/<key>?expires=<s since 1970>&type=…&name=…&signature=<base64url HMAC-SHA256>`. */
  sign(key: string, options: SignedUrlOptions): string;
  /** Verifies that `sign` made the query for this key. Takes constant time in the given signature. */
  verify(key: string, query: URLSearchParams): UrlCheck;
}

const SIGNED_PARAMETERS = ["expires", "type", "name"];

/** Makes a signer of the URLs under which this process serves objects. */
export function urlSigner({ baseUrl, secret, clock }: UrlSignerOptions): UrlSigner {
  function signatureOf(key: string, query: URLSearchParams): string {
    // JSON of all values of each parameter, so that no two different queries give the same text.
    const text = JSON.stringify([key, ...SIGNED_PARAMETERS.map((name) => query.getAll(name))]);
    return createHmac("sha256", secret).update(text).digest("base64url");
  }

  return {
    sign(key, { expiresInSeconds, contentType, downloadName }) {
      const query = new URLSearchParams();
      query.set("expires", String(Math.floor(clock.now() / 1000) + expiresInSeconds));
      if (contentType !== undefined) query.set("type", contentType);
      if (downloadName !== undefined) query.set("name", downloadName);
      query.set("signature", signatureOf(key, query));
      return `${typeof baseUrl === "string" ? baseUrl : baseUrl()}/files/${key}?${query}`;
    },

    verify(key, query) {
      const given = query.getAll("signature").join();
      if (!isSameSecret(given, signatureOf(key, query))) return { ok: false, reason: "wrong_signature" };
      const expiresAt = Number(query.get("expires")) * 1000;
      if (!isAhead(expiresAt, clock.now(), SIGNED_SECONDS_MAX * 1000))
        return { ok: false, reason: "expired" };
      return { ok: true, contentType: query.get("type"), downloadName: query.get("name") };
    },
  };
}
