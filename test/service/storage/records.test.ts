import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  type ObjectStore,
  openFolderStore,
  type PutOptions,
  type PutResult,
  RecordError,
  records,
  StoreError,
} from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const schema = z.object({ count: z.int() });
type Put = () => Promise<PutResult>;
/** Fault of one write; `put` makes the write. */
type Fault = (put: Put) => Promise<PutResult>;

const lost: Fault = async (put) => {
  await put();
  throw new StoreError("unavailable", "The answer was lost.");
};
const never: Fault = async () => {
  throw new StoreError("unavailable", "There was no answer.");
};
const conflict: Fault = async () => ({ ok: false, reason: "conflict" });

/** Opens records in a real store whose first writes have the given faults. Waits are recorded instead of waited for. */
async function faulty(...faults: Fault[]) {
  const real = await openFolderStore(temporaryFolder(), { signUrl: () => "", random: system.random });
  const waitsMs: number[] = [];
  const store: ObjectStore = {
    ...real,
    put(key: string, body: Uint8Array, options?: PutOptions) {
      const put = () => real.put(key, body, options);
      return (faults.shift() ?? ((put: Put) => put()))(put);
    },
  };
  const options = { random: randomBytes, sleep: async (ms: number) => void waitsMs.push(ms) };
  return {
    real,
    waitsMs,
    faults,
    kept: records(store, schema, options),
    open: records(real, schema, options),
  };
}

const increment = ({ count }: { count: number }) => ({ next: { count: count + 1 } });

describe("creating", () => {
  test("a creation that has become late while the store did not answer writes nothing any more", async () => {
    const { kept, faults } = await faulty(never);
    const created = kept.create("late", { count: 1 }, () => faults.length === 0);
    await expect(created).rejects.toMatchObject({ name: "StoreError", code: "unavailable" });
    expect(await kept.read("late")).toBeNull();
  });

  test("a creation makes a record once, which can be read back", async () => {
    const { kept } = await faulty();
    expect(await kept.read("a")).toBeNull();
    const created = await kept.create("a", { count: 1 });
    expect(created).toEqual({ ok: true, value: { count: 1 }, etag: expect.any(String) });
    const current = { value: { count: 1 }, etag: created.ok && created.etag };
    expect(await kept.read("a")).toEqual(current);
    expect(await kept.create("a", { count: 2 })).toEqual({ ok: false, current });
  });

  test("a creation succeeds although its answer was lost", async () => {
    const { kept, faults } = await faulty(lost);
    const created = await kept.create("a", { count: 1 });
    expect(created).toEqual({ ok: true, ...(await kept.read("a")) });
    expect(faults).toEqual([]);
  });

  test("a creation succeeds although its answer was lost and another has changed the record since", async () => {
    const { kept, open } = await faulty(async (put) => {
      await put();
      await open.update("a", increment);
      throw new StoreError("unavailable", "The answer was lost.");
    });
    expect(await kept.create("a", { count: 1 })).toEqual({ ok: true, ...(await kept.read("a")) });
    expect(await kept.read("a")).toMatchObject({ value: { count: 2 } });
  });

  test("a creation succeeds although its first write arrives after the second was sent", async () => {
    let late: Put;
    const { kept } = await faulty(
      async (put) => {
        late = put;
        throw new StoreError("unavailable", "The answer was lost.");
      },
      async (put) => {
        await late();
        return put();
      },
    );
    expect(await kept.create("a", { count: 1 })).toMatchObject({ ok: true });
  });

  test("a creation reports another's record where its own write was never made", async () => {
    const { kept, open } = await faulty(async () => {
      await open.create("a", { count: 9 });
      throw new StoreError("unavailable", "There was no answer.");
    });
    expect(await kept.create("a", { count: 1 })).toMatchObject({
      ok: false,
      current: { value: { count: 9 } },
    });
  });

  test("a creation is retried after a conflict", async () => {
    const { kept, waitsMs } = await faulty(conflict, conflict, never);
    expect(await kept.create("a", { count: 1 })).toMatchObject({ ok: true });
    expect(waitsMs).toHaveLength(3);
  });
});

describe("updating", () => {
  test("an update changes the record, or leaves it", async () => {
    const { kept } = await faulty();
    expect(await kept.update("a", increment)).toEqual({ ok: false });
    await kept.create("a", { count: 1 });
    expect(await kept.update("a", increment)).toMatchObject({
      ok: true,
      isChanged: true,
      value: { count: 2 },
    });
    const before = await kept.read("a");
    expect(await kept.update("a", () => ({ next: null }))).toEqual({ ok: true, isChanged: false, ...before });
    expect(await kept.read("a")).toEqual(before);
  });

  test("an update is applied once where answers are lost, conflicting or late", async () => {
    let late: Put;
    const keep: Fault = async (put) => {
      late = put;
      throw new StoreError("unavailable", "The answer was lost.");
    };
    const arrive: Fault = async (put) => {
      await late();
      return put();
    };
    for (const faults of [[lost], [conflict, lost], [keep, arrive], [never, conflict, lost]]) {
      const { kept, open } = await faulty(...[], async (put) => put(), ...faults);
      await kept.create("a", { count: 1 });
      expect(await kept.update("a", increment)).toMatchObject({
        ok: true,
        isChanged: true,
        value: { count: 2 },
      });
      expect(await open.read("a")).toMatchObject({ value: { count: 2 } });
    }
  });

  test("an update is applied once although its answer was lost and others have changed the record since", async () => {
    const { kept, open } = await faulty(
      (put) => put(),
      async (put) => {
        await put();
        for (let other = 0; other < 7; other += 1) await open.update("a", increment);
        throw new StoreError("unavailable", "The answer was lost.");
      },
    );
    await kept.create("a", { count: 1 });
    const updated = await kept.update("a", increment);
    expect(updated).toEqual({ ok: true, isChanged: true, ...(await open.read("a")) });
    expect(updated).toMatchObject({ value: { count: 9 } });
  });

  test("20 concurrent updates lose nothing", async () => {
    const store = await openFolderStore(temporaryFolder(), { signUrl: () => "", random: system.random });
    const kept = records(store, schema, { random: randomBytes, sleep });
    await kept.create("a", { count: 0 });
    const updates = await Promise.all(Array.from({ length: 20 }, () => kept.update("a", increment)));
    expect(updates.every((updated) => updated.ok && updated.isChanged)).toBe(true);
    expect(await kept.read("a")).toMatchObject({ value: { count: 20 } });
  });
});

describe("what a change tells its caller", () => {
  const count = ({ count }: { count: number }) => ({ next: { count: count + 1 }, tell: `was ${count}` });

  test("the caller is told the result of the change that was written, or that changed nothing", async () => {
    const { kept } = await faulty();
    await kept.create("a", { count: 1 });
    expect(await kept.update("a", count)).toMatchObject({ isChanged: true, told: "was 1" });
    const refuse = () => ({ next: null, tell: "refused" });
    expect(await kept.update("a", refuse)).toMatchObject({ isChanged: false, told: "refused" });
  });

  test("a caller whose answer was lost is told the result of the try that was written", async () => {
    const { kept, open } = await faulty(
      (put) => put(),
      async (put) => {
        await put();
        await open.update("a", increment);
        throw new StoreError("unavailable", "The answer was lost.");
      },
    );
    await kept.create("a", { count: 1 });
    const updated = await kept.update("a", count);
    expect(updated).toMatchObject({ isChanged: true, told: "was 1", value: { count: 3 } });
  });
});

describe("a store that does not answer", () => {
  test("an unavailable store is given up after 8 tries, with ever longer waits between them", async () => {
    const { kept, waitsMs } = await faulty(...Array<Fault>(8).fill(never));
    const creation = kept.create("a", { count: 1 });
    await expect(creation).rejects.toMatchObject({ name: "StoreError", code: "unavailable" });
    await expect(creation).rejects.toThrow("The record a cannot be changed now: the store does not answer");
    expect(waitsMs).toHaveLength(7);
    for (const [index, waitMs] of waitsMs.entries()) expect(waitMs).toBeLessThanOrEqual(20 * 2 ** index);
  });

  test("an unavailable store is told apart from one where too many change the record", async () => {
    const { kept } = await faulty((put) => put(), ...Array<Fault>(8).fill(conflict));
    await kept.create("a", { count: 1 });
    await expect(kept.update("a", increment)).rejects.toThrow("too many others change it");
  });

  test("a store error that somebody must fix is not retried", async () => {
    const { kept, waitsMs } = await faulty(async () => {
      throw new StoreError("full", "It is full.");
    });
    await expect(kept.create("a", { count: 1 })).rejects.toThrow("It is full.");
    expect(waitsMs).toEqual([]);
  });
});

test("a malformed record is refused by its key, without a word of its content", async () => {
  const { kept, real } = await faulty();
  const wrong = [
    "",
    "secret",
    "{}",
    '{"writes":[],"value":{"count":1}}',
    '{"writes":["x"],"value":{"count":"secret"}}',
  ];
  for (const text of [...wrong, "\ud800", '"\xff"']) {
    const body = text === '"\xff"' ? Uint8Array.of(0x22, 0xff, 0x22) : new TextEncoder().encode(text);
    await real.put("a/b", body);
    for (const operation of [() => kept.read("a/b"), () => kept.update("a/b", increment)]) {
      const error = await operation().then(String, (error) => error);
      expect(error).toBeInstanceOf(RecordError);
      expect(error.message).toBe("The record a/b is damaged or of another version of this program.");
    }
  }
});

test("a record that could not be read back is not written", async () => {
  const { kept, real } = await faulty();
  await expect(kept.create("a", { count: 0.5 })).rejects.toThrow(RangeError);
  expect(await real.get("a")).toBeNull();
  await kept.create("a", { count: 1 });
  await expect(kept.update("a", () => ({ next: { count: Number.NaN } }))).rejects.toThrow(RangeError);
  expect((await kept.read("a"))!.value).toEqual({ count: 1 });
});
