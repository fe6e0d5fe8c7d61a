import { expect, it } from "vitest";
import { isModelName, readModelCard, writeModelCard } from "../../../lib/distribution/model-store/index.ts";
import { memoryStore } from "../../service/jobs/memory-store.ts";

const card = {
  name: "demo",
  limits: { sizes: [[64, 64]], frames: [16], fps: [8], steps: 30, guidance_scale: 4 },
  fingerprint: "sha256:1",
  bytes: 100,
} as never;

it("a card that was written can be read back", async () => {
  const store = memoryStore();
  expect(await readModelCard(store, "demo")).toBeNull();
  await writeModelCard(store, card);
  expect(await readModelCard(store, "demo")).toMatchObject({ name: "demo", bytes: 100 });
});

it("a malformed card is refused by its key", async () => {
  const store = memoryStore();
  for (const text of ["{", "{}", '{"name": "demo"}']) {
    await store.put("model-cards/demo.json", new TextEncoder().encode(text));
    await expect(readModelCard(store, "demo")).rejects.toThrow("model-cards/demo.json");
  }
});

it("model names are those that can stand in keys and in requests", () => {
  expect(["demo", "open-sora-1.2", "x_1"].map(isModelName)).toEqual([true, true, true]);
  expect(["", "Demo", "-x", "a/b", "..", "ä", "a".repeat(64)].some(isModelName)).toBe(false);
});
