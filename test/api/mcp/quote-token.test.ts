import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QUOTE_LIFETIME_MS, quoteTokens } from "../../../functions/api/mcp/quote-token.ts";

const own = { tenant: "acme", keyId: "k1" };

function at(now: number, secret = Buffer.alloc(32, 1)) {
  return quoteTokens(secret, { clock: { now: () => now }, random: randomBytes });
}

const isRead = (...given: Parameters<ReturnType<typeof quoteTokens>["read"]>) => at(0).read(...given).ok;

describe("a quote of the MCP server", () => {
  it("a quote is read with the arguments, the key and the time that it was made for, and no others", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const { token } = at(0).sign(own, { one });
        expect(isRead(token, own, { one })).toBe(true);
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        if (!isSame) expect(isRead(token, own, { one, other })).toBe(false);
        expect(isRead(token, { ...own, keyId: "k2" }, { one })).toBe(false);
        expect(isRead(token, { ...own, tenant: "globex" }, { one })).toBe(false);
        expect(at(QUOTE_LIFETIME_MS - 1).read(token, own, { one }).ok).toBe(true);
        expect(at(QUOTE_LIFETIME_MS).read(token, own, { one }).ok).toBe(false);
        expect(at(0, Buffer.alloc(32, 2)).read(token, own, { one }).ok).toBe(false);
      }),
    );
  });

  it("a quote with any character changed is none", () => {
    const { token } = at(0).sign(own, {});
    for (const index of token.split("").keys()) {
      const changed = token.slice(0, index) + (token[index] === "b" ? "c" : "b") + token.slice(index + 1);
      expect(isRead(changed, own, {})).toBe(false);
    }
    for (const wrong of ["", token.slice(1), `${token}=`, token.toUpperCase(), "a.b.c.d"])
      expect(isRead(wrong, own, {})).toBe(false);
  });

  it("two quotes for the same video are different, since each makes one video", () => {
    expect(at(0).sign(own, {}).token).not.toBe(at(0).sign(own, {}).token);
  });
});
