import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type HintQueue, hintQueue } from "../../functions/local/hint-queue.ts";
import type { JobRef } from "../../lib/service/jobs/index.ts";

const ref = (id: string): JobRef => ({ tenant: "acme", id });

interface Look {
  readonly id: string;
  readonly end: (again: number | null) => void;
  readonly fail: (error: Error) => void;
}

/** Opens a queue whose looks the test ends. */
function openQueue(concurrency: number) {
  const looks: Look[] = [];
  const errors: unknown[] = [];
  const queue = hintQueue<JobRef>({
    atOnce: [concurrency],
    nameOf: ({ tenant, id }) => `${tenant}/${id}`,
    handle: ({ id }) => new Promise((end, fail) => looks.push({ id, end, fail })),
    onError: (error, { id }) => errors.push([id, error]),
  });
  return { queue, looks, errors, ids: () => looks.map(({ id }) => id) };
}

/** Runs everything that waits only for promises. */
const settled = () => vi.advanceTimersByTimeAsync(0);

const isClosed = async (queue: HintQueue<JobRef>) => {
  let hasClosed = false;
  void queue.close().then(() => {
    hasClosed = true;
  });
  await settled();
  return () => hasClosed;
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("looks", () => {
  it("looks happen in the order of the hints, and no more at once than allowed", async () => {
    const { queue, looks, ids } = openQueue(2);
    for (const id of ["a", "b", "c", "d"]) queue.add(ref(id));
    expect(ids()).toEqual(["a", "b"]);
    looks[1]!.end(null);
    await settled();
    expect(ids()).toEqual(["a", "b", "c"]);
    looks[0]!.end(null);
    looks[2]!.end(null);
    await settled();
    expect(ids()).toEqual(["a", "b", "c", "d"]);
  });

  it("one look serves all hints that came before it", async () => {
    const { queue, looks, ids } = openQueue(1);
    queue.add(ref("a"));
    for (const id of ["b", "c", "b", "b"]) queue.add(ref(id));
    for (const turn of [0, 1, 2]) {
      looks[turn]!.end(null);
      await settled();
    }
    expect(ids()).toEqual(["a", "b", "c"]);
  });

  it("a job is never looked at twice at once, and a hint during a look causes one more", async () => {
    const { queue, looks, ids } = openQueue(2);
    queue.add(ref("a"));
    queue.add(ref("a"));
    queue.add(ref("a"));
    queue.add(ref("b"));
    await settled();
    expect(ids()).toEqual(["a", "b"]);
    looks[0]!.end(null);
    await settled();
    expect(ids()).toEqual(["a", "b", "a"]);
    looks[2]!.end(null);
    await settled();
    expect(ids()).toEqual(["a", "b", "a"]);
  });

  it("jobs of two tenants are told apart", () => {
    const { queue, looks } = openQueue(2);
    queue.add({ tenant: "acme", id: "a" });
    queue.add({ tenant: "other", id: "a" });
    expect(looks).toHaveLength(2);
  });

  it("a look that throws is reported, and does not stop the others", async () => {
    const { queue, looks, errors, ids } = openQueue(1);
    queue.add(ref("a"));
    queue.add(ref("b"));
    const error = new Error("the disk is full");
    looks[0]!.fail(error);
    await settled();
    expect(errors).toEqual([["a", error]]);
    expect(ids()).toEqual(["a", "b"]);
    queue.add(ref("a"));
    looks[1]!.end(null);
    await settled();
    expect(ids()).toEqual(["a", "b", "a"]);
  });
});

it("a look never waits for the looks of other groups, once its own group has its share", () => {
  const looked: string[] = [];
  const queue = hintQueue<JobRef>({
    atOnce: [256, 16],
    nameOf: ({ tenant, id }) => `${tenant}/${id}`,
    groupsOf: ({ tenant }) => [tenant],
    handle: ({ tenant }) => {
      looked.push(tenant);
      return new Promise(() => undefined);
    },
    onError: () => undefined,
  });
  for (let index = 0; index < 1000; index += 1) queue.add({ tenant: "silent", id: `${index}` });
  expect(looked).toHaveLength(16);
  queue.add({ tenant: "other", id: "0" });
  expect(looked.at(-1)).toBe("other");
});

describe("a look for later", () => {
  it("a delayed look happens at its time and not before", async () => {
    const { queue, ids } = openQueue(1);
    queue.add(ref("a"), Date.now() + 1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(ids()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ids()).toEqual(["a"]);
  });

  it("a delayed look can be requested by the look before it", async () => {
    const { queue, looks, ids } = openQueue(1);
    queue.add(ref("a"));
    looks[0]!.end(Date.now() + 5000);
    await vi.advanceTimersByTimeAsync(4999);
    expect(ids()).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ids()).toEqual(["a", "a"]);
  });

  it("a delayed look in the past happens at once", async () => {
    const { queue, looks, ids } = openQueue(1);
    queue.add(ref("a"));
    looks[0]!.end(Date.now());
    await settled();
    expect(ids()).toEqual(["a", "a"]);
  });

  it("the earliest of several delayed looks counts", async () => {
    const { queue, looks, ids } = openQueue(1);
    for (const wait of [3000, 1000, 2000]) queue.add(ref("a"), Date.now() + wait);
    await vi.advanceTimersByTimeAsync(1000);
    expect(ids()).toEqual(["a"]);
    looks[0]!.end(null);
    await vi.advanceTimersByTimeAsync(5000);
    expect(ids()).toEqual(["a"]);
  });

  it("a delayed look is dropped when a hint causes one now, which sets the next delay itself", async () => {
    const { queue, looks, ids } = openQueue(1);
    queue.add(ref("a"), Date.now() + 1000);
    queue.add(ref("a"));
    looks[0]!.end(null);
    await vi.advanceTimersByTimeAsync(2000);
    expect(ids()).toEqual(["a"]);
  });

  it("a delayed look happens after its wait, although the clock was set back meanwhile", async () => {
    const { queue, ids } = openQueue(1);
    queue.add(ref("a"), Date.now() + 1000);
    await vi.advanceTimersByTimeAsync(500);
    vi.setSystemTime(Date.now() - 3_600_000);
    await vi.advanceTimersByTimeAsync(499);
    expect(ids()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ids()).toEqual(["a"]);
  });

  it("a delayed look may lie further ahead than a timer can count", async () => {
    const { queue, ids } = openQueue(1);
    const days = 40 * 24 * 3_600_000;
    queue.add(ref("a"), Date.now() + days);
    await vi.advanceTimersByTimeAsync(days - 1);
    expect(ids()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ids()).toEqual(["a"]);
  });
});

describe("closing", () => {
  it("a close waits for running looks, and begins no waiting or new ones", async () => {
    const { queue, looks, ids } = openQueue(1);
    queue.add(ref("a"));
    queue.add(ref("b"));
    queue.add(ref("c"), Date.now() + 1000);
    const hasClosed = await isClosed(queue);
    queue.add(ref("d"));
    expect(hasClosed()).toBe(false);
    looks[0]!.end(Date.now() + 10);
    await settled();
    expect(hasClosed()).toBe(true);
    expect(ids()).toEqual(["a"]);
  });

  it("a close does not fail when a running look throws", async () => {
    const { queue, looks, errors } = openQueue(1);
    queue.add(ref("a"));
    const hasClosed = await isClosed(queue);
    looks[0]!.fail(new Error("gone"));
    await settled();
    expect(hasClosed()).toBe(true);
    expect(errors).toHaveLength(1);
  });
});
