import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { urlSigner } from "../../../lib/service/storage/index.ts";

const NOW_S = 1_700_000_000;

function signerAt(nowS = NOW_S, secret = "secret") {
  return urlSigner({
    baseUrl: () => "http://store.test",
    secret: Buffer.from(secret),
    clock: { now: () => nowS * 1000 },
  });
}

function queryOf(url: string): URLSearchParams {
  return new URL(url).searchParams;
}

const signed = signerAt().sign("a/b.mp4", {
  expiresInSeconds: 60,
  contentType: "video/mp4",
  downloadName: "Grüße & mehr.mp4",
});

describe("a signed URL", () => {
  test("a signed URL names the object and its content type", () => {
    expect(signed).toMatch(
      /^http:\/\/store\.test\/files\/a\/b\.mp4\?expires=1700000060&type=video%2Fmp4&name=/,
    );
    const checked = signerAt().verify("a/b.mp4", queryOf(signed));
    expect(checked).toEqual({ ok: true, contentType: "video/mp4", downloadName: "Grüße & mehr.mp4" });
    const bare = queryOf(signerAt().sign("a", { expiresInSeconds: 1 }));
    expect(signerAt().verify("a", bare)).toEqual({ ok: true, contentType: null, downloadName: null });
  });

  test("a signed URL carries the HMAC-SHA256 of all its parts", () => {
    const text = JSON.stringify(["a/b.mp4", ["1700000060"], ["video/mp4"], ["Grüße & mehr.mp4"]]);
    const signature = createHmac("sha256", "secret").update(text).digest("base64url");
    expect(queryOf(signed).get("signature")).toBe(signature);
  });

  test("a signed URL is refused if any part is changed, left out, repeated or added", () => {
    const refused = { ok: false, reason: "wrong_signature" };
    expect(signerAt().verify("a/c.mp4", queryOf(signed))).toEqual(refused);
    expect(signerAt(NOW_S, "other").verify("a/b.mp4", queryOf(signed))).toEqual(refused);
    for (const name of ["expires", "type", "name", "signature"]) {
      const value = queryOf(signed).get(name)!;
      const changes: ((query: URLSearchParams) => void)[] = [
        (query) => query.set(name, `${value}0`),
        (query) => query.set(name, ""),
        (query) => query.delete(name),
        (query) => query.append(name, value),
      ];
      for (const change of changes) {
        const query = queryOf(signed);
        change(query);
        expect(signerAt().verify("a/b.mp4", query)).toEqual(refused);
      }
    }
    const bare = queryOf(signerAt().sign("a", { expiresInSeconds: 1 }));
    bare.set("type", "text/html");
    expect(signerAt().verify("a", bare)).toEqual(refused);
  });

  test("a signed URL is valid until the second in which it expires", () => {
    expect(signerAt(NOW_S + 59).verify("a/b.mp4", queryOf(signed)).ok).toBe(true);
    const expired = { ok: false, reason: "expired" };
    expect(signerAt(NOW_S + 60).verify("a/b.mp4", queryOf(signed))).toEqual(expired);
  });
});
