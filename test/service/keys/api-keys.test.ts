import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { apiKeys } from "../../../lib/service/keys/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { memoryStore } from "../jobs/memory-store.ts";

function open() {
  const store = memoryStore();
  const time = { now: 1_000_000 };
  const clock = { now: () => time.now };
  const keys = apiKeys({ store, clock, random: randomBytes, sleep: system.sleep });
  return {
    store,
    time,
    keys,
    elsewhere: apiKeys({ store, clock, random: randomBytes, sleep: system.sleep }),
  };
}

describe("an API key", () => {
  it("an API key identifies its tenant, in every process", async () => {
    const { keys, elsewhere } = open();
    const { key, apiKey } = await keys.create({ tenant: "acme", name: "ci" });
    expect(await elsewhere.authenticate(key)).toEqual({ tenant: "acme", keyId: apiKey.id });
  });

  it("an API key is stored nowhere in plain", async () => {
    const { keys, store } = open();
    const { key } = await keys.create({ tenant: "acme", name: "ci" });
    const secret = key.split("_").slice(2).join("_");
    const stored = [...store.objects.values()].map(({ body }) => Buffer.from(body).toString());
    expect(stored.join()).not.toContain(secret);
  });

  it("an API key whose record is damaged hides no other from the list", async () => {
    const { keys, store } = open();
    const { apiKey: damaged } = await keys.create({ tenant: "acme", name: "" });
    const { apiKey } = await keys.create({ tenant: "acme", name: "" });
    await store.put(`api-keys/${damaged.id}.json`, Buffer.from("{"));
    expect(await keys.list()).toEqual([apiKey]);
  });

  it("an API key with any one wrong character is refused", async () => {
    const { keys } = open();
    const { key } = await keys.create({ tenant: "acme", name: "" });
    for (let at = 0; at < key.length; at++) {
      const other = key[at] === "x" ? "y" : "x";
      expect(await keys.authenticate(key.slice(0, at) + other + key.slice(at + 1))).toBeNull();
    }
  });

  it.each(["", "adr_", "adr_a_b", "Bearer", "../../etc", "adr_%00_x", `adr_${"a".repeat(5000)}_b`])(
    "the text %j is refused as an API key",
    async (text) => {
      expect(await open().keys.authenticate(text)).toBeNull();
    },
  );

  it("a revoked API key is refused here at once, and elsewhere within seconds", async () => {
    const { keys, elsewhere, time } = open();
    const { key, apiKey } = await keys.create({ tenant: "acme", name: "" });
    await elsewhere.authenticate(key);
    await keys.revoke(apiKey.id);
    expect(await keys.authenticate(key)).toBeNull();
    time.now += 5_001;
    expect(await elsewhere.authenticate(key)).toBeNull();
  });

  it("an API key is listed without its secret, oldest first", async () => {
    const { keys, time } = open();
    await keys.create({ tenant: "acme", name: "first" });
    time.now += 1;
    await keys.create({ tenant: "beta", name: "second" });
    expect((await keys.list()).map(({ tenant, name }) => [tenant, name])).toEqual([
      ["acme", "first"],
      ["beta", "second"],
    ]);
  });

  it.each(["", "A", "a/b", "..", "-a", "a".repeat(64), "ä"])(
    "a key for the tenant %j cannot be created",
    async (tenant) => {
      await expect(open().keys.create({ tenant, name: "" })).rejects.toThrow(RangeError);
    },
  );

  it("an unknown API key cannot be revoked", async () => {
    expect(await open().keys.revoke("abcdefghjkmn")).toBeNull();
    expect(await open().keys.revoke("../x")).toBeNull();
  });
});
