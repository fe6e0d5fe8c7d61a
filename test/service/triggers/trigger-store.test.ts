import { createHmac, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keyRing, SecretError } from "../../../lib/service/keys/index.ts";
import { openFolderStore, RecordError } from "../../../lib/service/storage/index.ts";
import { type NewTrigger, triggerStore } from "../../../lib/service/triggers/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { temporaryFolder } from "../storage/temporary-folder.ts";

const fields: NewTrigger = {
  tenant: "acme",
  keyId: "key1",
  name: "issues",
  prompt: "{{/title}}",
  video: { steps: 4 },
  filter: [],
  isEnabled: true,
  scheme: "bearer",
};

const body = Buffer.from("{}");
const carrying = (token: string) => ({ headers: new Headers({ authorization: `Bearer ${token}` }), body });

async function setup() {
  const folder = temporaryFolder();
  const store = await openFolderStore(folder, { signUrl: () => "", random: system.random });
  const time = { now: 1_795_000_000_000 };
  const ring = keyRing(randomBytes(32), system.random);
  const triggers = triggerStore({
    store,
    ring,
    clock: { now: () => time.now },
    random: randomBytes,
    sleep: system.sleep,
  });
  /** Opens the same triggers with another master key, as after the first one was lost. */
  const withOtherKey = () => {
    const other = keyRing(randomBytes(32), system.random);
    const clock = { now: () => time.now };
    return triggerStore({ store, ring: other, clock, random: randomBytes, sleep: system.sleep });
  };
  return { folder, store, time, triggers, withOtherKey };
}

test("a trigger is read, listed and deleted by its tenant only", async () => {
  const { triggers } = await setup();
  const { trigger } = await triggers.create(fields);
  await triggers.create({ ...fields, tenant: "globex" });
  expect(await triggers.read("acme", trigger.id)).toEqual(trigger);
  expect(await triggers.list("acme")).toEqual([trigger]);
  expect(await triggers.read("globex", trigger.id)).toBeNull();
  expect(await triggers.update("globex", trigger.id, { name: "mine" })).toBeNull();
  expect(await triggers.rotate("globex", trigger.id, { keepMs: 0 })).toBeNull();
  expect(await triggers.delete("globex", trigger.id)).toBe(false);
  expect(await triggers.read("acme", trigger.id)).toEqual(trigger);
  expect(await triggers.delete("acme", trigger.id)).toBe(true);
  expect(await triggers.delete("acme", trigger.id)).toBe(false);
  expect(await triggers.list("acme")).toEqual([]);
});

test("triggers are listed in the order of their creation", async () => {
  const { triggers, time } = await setup();
  const names = ["a", "b", "c"];
  for (const name of names) {
    await triggers.create({ ...fields, name });
    time.now += 1;
  }
  expect((await triggers.list("acme")).map(({ name }) => name)).toEqual(names);
});

test.each(["", "trg_1", "../api-keys/x", `trg_${"0".repeat(32)}`, `trg_${"0".repeat(31)}G`])(
  "the trigger %j does not exist",
  async (id) => {
    const { triggers } = await setup();
    expect(await triggers.read("acme", id)).toBeNull();
    expect(await triggers.authenticate(id, carrying("x"))).toBeNull();
  },
);

test("only a webhook with the secret of an enabled trigger is authenticated", async () => {
  const { triggers } = await setup();
  const { trigger, secret } = await triggers.create(fields);
  const other = await triggers.create(fields);
  expect(await triggers.authenticate(trigger.id, carrying(secret))).toMatchObject({ trigger });
  expect(await triggers.authenticate(trigger.id, carrying(other.secret))).toBeNull();
  await triggers.update("acme", trigger.id, { isEnabled: false });
  expect(await triggers.authenticate(trigger.id, carrying(secret))).toBeNull();
  await triggers.update("acme", trigger.id, { isEnabled: true });
  await triggers.delete("acme", trigger.id);
  expect(await triggers.authenticate(trigger.id, carrying(secret))).toBeNull();
});

test("each old secret is accepted for its overlap period, and none after a rotation without one", async () => {
  const { triggers, time } = await setup();
  const { trigger, secret: first } = await triggers.create(fields);
  const accepted = async (secret: string) =>
    (await triggers.authenticate(trigger.id, carrying(secret))) !== null;
  const second = (await triggers.rotate("acme", trigger.id, { keepMs: 1000 }))!.secret;
  expect([await accepted(first), await accepted(second)]).toEqual([true, true]);
  const given = "a-token-of-the-sender";
  expect((await triggers.rotate("acme", trigger.id, { keepMs: 1000, secret: given }))!.secret).toBe(given);
  expect([await accepted(first), await accepted(second), await accepted(given)]).toEqual([true, true, true]);
  time.now += 1000;
  expect([await accepted(first), await accepted(second), await accepted(given)]).toEqual([
    false,
    false,
    true,
  ]);
  const last = (await triggers.rotate("acme", trigger.id, { keepMs: 0 }))!.secret;
  expect([await accepted(given), await accepted(last)]).toEqual([false, true]);
});

test.each(["standard_webhooks", "github", "bearer"] as const)(
  "no secret of %s is stored in plain",
  async (scheme) => {
    const { triggers, folder } = await setup();
    const { secret } = await triggers.create({ ...fields, scheme });
    const key = secret.replace(/^(whsec|adrt)_/, "");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const contents = files.map((file) => readFileSync(join(file.parentPath, file.name), "latin1")).join("\n");
    expect(contents).toContain(scheme);
    for (const form of [
      key,
      Buffer.from(key).toString("base64"),
      Buffer.from(key, "base64").toString("hex"),
    ]) {
      expect(contents).not.toContain(form);
    }
  },
);

test("a trigger whose secret was sealed with another master key is listed, and told apart from a wrong webhook", async () => {
  const { triggers, withOtherKey } = await setup();
  const { trigger } = await triggers.create({ ...fields, scheme: "github" });
  const other = withOtherKey();
  expect(await other.list("acme")).toEqual([trigger]);
  const told = other.authenticate(trigger.id, { headers: new Headers(), body });
  await expect(told).rejects.toThrow(SecretError);
  await expect(told).rejects.toThrow(trigger.id);
  await expect(triggers.authenticate(trigger.id, { headers: new Headers(), body })).resolves.toBeNull();
});

test("a replaced secret opens a trigger again although the old one cannot be opened", async () => {
  const { triggers, withOtherKey } = await setup();
  const { trigger } = await triggers.create({ ...fields, scheme: "github" });
  const other = withOtherKey();
  const { secret } = (await other.rotate("acme", trigger.id, { keepMs: 1000 }))!;
  const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const headers = new Headers({ "x-hub-signature-256": signature });
  expect(await other.authenticate(trigger.id, { headers, body })).not.toBeNull();
  await expect(other.authenticate(trigger.id, { headers: new Headers(), body })).rejects.toThrow(SecretError);
});

test("a trigger whose record is damaged hides no other, and is deleted by its tenant only", async () => {
  const { store, triggers } = await setup();
  const { trigger: damaged } = await triggers.create(fields);
  const { trigger } = await triggers.create(fields);
  await store.put(`triggers/${damaged.id}.json`, Buffer.from("{"));
  expect(await triggers.list("acme")).toEqual([trigger]);
  await expect(triggers.read("acme", damaged.id)).rejects.toThrow(RecordError);
  expect(await triggers.delete("globex", damaged.id)).toBe(false);
  expect(await triggers.delete("acme", damaged.id)).toBe(true);
  expect(await triggers.read("acme", damaged.id)).toBeNull();
  expect(await triggers.list("acme")).toEqual([trigger]);
});
