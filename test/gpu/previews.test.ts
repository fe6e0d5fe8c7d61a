import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { keepPreviews, type PreviewsOptions } from "../../functions/gpu/previews.ts";
import { previewKey } from "../../lib/service/jobs/index.ts";
import { type ObjectStore, StoreError } from "../../lib/service/storage/index.ts";
import { eventually } from "../eventually.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { queued } from "../service/jobs/sample-job.ts";
import { silent } from "./job-fixture.ts";

const record = { ...queued, attempt: 3 };
const key = previewKey(record, 3);

const preview = (step: number, side = 8) => ({
  ...{ step, width: side, height: side, frames: 2, seconds: 1 },
  rgb: new Uint8Array(randomBytes(2 * side * side * 3)),
});

/** Keeps previews in a store that can be changed, and counts what becomes of them. */
function keep(changed: Partial<ObjectStore> = {}, options: Partial<PreviewsOptions> = {}) {
  const memory = memoryStore();
  const conditions: (string | boolean | undefined)[] = [];
  const store: ObjectStore = {
    ...memory,
    put: (at, body, given) => {
      conditions.push(given?.ifMatch ?? given?.ifAbsent);
      return memory.put(at, body, given);
    },
    ...changed,
  };
  const made: number[] = [];
  const stored: number[] = [];
  const warnings: string[] = [];
  const lost = new AbortController();
  const previews = keepPreviews(record, {
    ...{ store, intervalMs: 0, signal: lost.signal },
    log: { ...silent, warn: (_: object, message: string) => void warnings.push(message) } as never,
    onMade: (step) => void made.push(step),
    onStored: (step) => void stored.push(step),
    ...options,
  });
  const isStored = (step: number) => eventually(async () => expect(stored).toContain(step));
  return { previews, memory, made, stored, warnings, lost, conditions, isStored };
}

describe("the previews of an attempt", () => {
  it("The newest preview is one small WebP under the attempt's key, written with a condition each time.", async () => {
    const { previews, memory, conditions, isStored } = keep();
    previews.show(preview(2));
    await isStored(2);
    const first = memory.objects.get(key)!;
    expect(Buffer.from(first.body.subarray(0, 4)).toString()).toBe("RIFF");
    previews.show(preview(4));
    await isStored(4);
    expect(memory.objects.size).toBe(1);
    expect(memory.objects.get(key)!.etag).not.toBe(first.etag);
    expect(conditions).toEqual([true, first.etag]);
  });

  it("The end deletes what was stored and shows no more.", async () => {
    const { previews, memory, made, isStored } = keep();
    previews.show(preview(2));
    await isStored(2);
    previews.show(preview(4));
    await previews.end();
    previews.show(preview(6));
    expect(memory.objects.size).toBe(0);
    expect(made).not.toContain(6);
  });

  it("A preview that comes while another is encoded replaces the one that waits.", async () => {
    const { previews, made, isStored } = keep();
    for (const step of [1, 2, 3, 4, 5]) previews.show(preview(step));
    await isStored(5);
    expect(made).toEqual([1, 5]);
  });

  it("The interval lies between two writes, of which the newest preview has the next.", async () => {
    const { previews, made, stored, isStored } = keep({}, { intervalMs: 3_600_000 });
    previews.show(preview(1));
    await isStored(1);
    previews.show(preview(2));
    await eventually(async () => expect(made).toContain(2));
    await previews.end();
    expect(stored).toEqual([1]);
  });

  it("Nothing is written once the lease is lost.", async () => {
    const { previews, memory, lost, conditions } = keep();
    previews.show(preview(2));
    lost.abort();
    previews.show(preview(4));
    await previews.end();
    expect([conditions, memory.objects.size]).toEqual([[], 0]);
  });

  it("A store that refuses is warned of once, and later previews are stored.", async () => {
    let failures = 0;
    const memory = memoryStore();
    const { previews, warnings, isStored } = keep({
      put: async (...given) => {
        failures += 1;
        if (failures <= 2) throw new StoreError("unavailable", "The store does not answer.");
        return memory.put(...given);
      },
    });
    for (const step of [1, 2]) {
      previews.show(preview(step));
      await eventually(async () => expect(failures).toBe(step));
    }
    await eventually(async () => {
      previews.show(preview(3));
      await isStored(3);
    });
    expect(warnings).toEqual(["a preview was not stored"]);
  });

  it("A write whose answer was lost does not hinder the next one.", async () => {
    const memory = memoryStore();
    let writes = 0;
    const { previews, isStored } = keep({
      get: memory.get,
      put: async (...given) => {
        writes += 1;
        const put = await memory.put(...given);
        if (writes === 1) throw new StoreError("unavailable", "The answer was lost.");
        return put;
      },
    });
    for (let step = 1; step <= 3; step += 1) {
      previews.show(preview(step));
      await eventually(async () => expect(writes).toBe(step));
    }
    await isStored(3);
  });

  it("A preview that no encoder takes, or that is far too large, is left out.", async () => {
    const { previews, made, isStored } = keep();
    previews.show({ ...preview(1), width: 0 });
    await eventually(async () => {
      previews.show(preview(2));
      await isStored(2);
    });
    previews.show(preview(3, 1024));
    previews.show(preview(3, 1024));
    await previews.end();
    expect(made).not.toContain(1);
    expect(made).not.toContain(3);
  });

  it("A store that does not answer does not hold up the end of the job.", async () => {
    const { previews, conditions } = keep({ delete: () => new Promise(() => undefined) });
    previews.show(preview(2));
    await eventually(async () => expect(conditions).toHaveLength(1));
    await previews.end();
  });
});
