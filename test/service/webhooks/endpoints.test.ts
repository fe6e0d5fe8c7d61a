import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { keyRing } from "../../../lib/service/keys/index.ts";
import { RecordError } from "../../../lib/service/storage/index.ts";
import { webhookEndpoints } from "../../../lib/service/webhooks/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { memoryStore } from "../jobs/memory-store.ts";

const NOW = Date.UTC(2026, 10, 29);
const DAY_MS = 86_400_000;

function open() {
  const store = memoryStore();
  const time = { now: NOW };
  const ring = keyRing(randomBytes(32), system.random);
  const clock = { now: () => time.now };
  const endpoints = webhookEndpoints({ store, ring, clock, random: randomBytes, sleep: system.sleep });
  return { store, time, ring, endpoints };
}

const fields = { name: "a", url: "https://hooks.example/a", eventTypes: ["video.failed"] as const };

it("an endpoint that the first versions stored keeps the secret that it was promised", async () => {
  const { store, time, ring, endpoints } = open();
  const { id } = await endpoints.create("acme", { ...fields, eventTypes: [...fields.eventTypes] });
  const key = `webhook-endpoints/acme/${id}.json`;
  const stored = JSON.parse(new TextDecoder().decode((await store.get(key))!.body));
  const { keptSecrets: _, ...value } = stored.value;
  const old = { ...value, secretVersion: 2, previousSecret: { version: 1, until: NOW + DAY_MS } };
  await store.put(key, new TextEncoder().encode(JSON.stringify({ ...stored, value: old })));
  const secretsOf = (...versions: number[]) => versions.map((version) => ring.webhookSecret(id, version));
  expect(endpoints.secrets((await endpoints.read("acme", id))!)).toEqual(secretsOf(2, 1));
  await endpoints.rotate("acme", id, DAY_MS);
  expect(endpoints.secrets((await endpoints.read("acme", id))!)).toEqual(secretsOf(3, 2, 1));
  time.now += DAY_MS;
  expect(endpoints.secrets((await endpoints.read("acme", id))!)).toEqual(secretsOf(3));
});

it("an endpoint's old secret signs no longer than a day, also if a clock is set back", async () => {
  const { time, endpoints } = open();
  const { id } = await endpoints.create("acme", { ...fields, eventTypes: [...fields.eventTypes] });
  await endpoints.rotate("acme", id, DAY_MS);
  time.now -= 3_600_000;
  expect(endpoints.secrets((await endpoints.read("acme", id))!)).toHaveLength(1);
});

it("an endpoint whose record is damaged hides no other, and is deleted by its tenant only", async () => {
  const { store, endpoints } = open();
  const own = { ...fields, eventTypes: [...fields.eventTypes] };
  const { id } = await endpoints.create("acme", own);
  const other = await endpoints.create("acme", own);
  await store.put(`webhook-endpoints/acme/${id}.json`, Buffer.from("{"));
  expect(await endpoints.list("acme")).toEqual([other]);
  await expect(endpoints.read("acme", id)).rejects.toThrow(RecordError);
  expect(await endpoints.delete("globex", id)).toBe(false);
  expect(await endpoints.delete("acme", id)).toBe(true);
  expect(await endpoints.read("acme", id)).toBeNull();
});
