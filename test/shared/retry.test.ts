import { describe, expect, test } from "vitest";
import { doubling, every, retry, Tries } from "../../lib/shared/retry.ts";

/** Makes a clock that only sleeping advances, and records the waits. */
function fakeTime() {
  const time = { now: 1000, slept: [] as number[] };
  const clock = { now: () => time.now };
  const sleep = async (durationMs: number) => {
    time.slept.push(durationMs);
    time.now += durationMs;
  };
  return { time, clock, sleep };
}

/** Makes an operation that fails so many times and then succeeds. */
function failing(times: number) {
  const calls = { count: 0 };
  const operation = async () => {
    calls.count += 1;
    if (calls.count <= times) throw new Error(`failure ${calls.count}`);
    return "done";
  };
  return { calls, operation };
}

const isRetryable = () => true;

describe("retry", () => {
  test("an operation that succeeds is called once", async () => {
    const { time, sleep } = fakeTime();
    const { calls, operation } = failing(0);
    expect(await retry(operation, { waits: [10], sleep, isRetryable })).toBe("done");
    expect(calls.count).toBe(1);
    expect(time.slept).toEqual([]);
  });

  test("the waits of a list come between the tries, in order", async () => {
    const { time, sleep } = fakeTime();
    expect(await retry(failing(2).operation, { waits: [10, 20, 40], sleep, isRetryable })).toBe("done");
    expect(time.slept).toEqual([10, 20]);
  });

  test("the last error is thrown when the list is over, or what is made of it", async () => {
    const { calls, operation } = failing(9);
    const options = { waits: [10, 20], sleep: fakeTime().sleep, isRetryable };
    await expect(retry(operation, options)).rejects.toThrow("failure 3");
    expect(calls.count).toBe(3);
    const exhausted = (cause: unknown) => new Error("no more", { cause });
    const thrown = retry(operation, { ...options, exhausted });
    await expect(thrown).rejects.toMatchObject({ message: "no more", cause: new Error("failure 6") });
  });

  test("an error that does not pass is thrown at once, as it is", async () => {
    const { calls, operation } = failing(9);
    const { sleep } = fakeTime();
    const exhausted = () => new Error("no more");
    await expect(retry(operation, { waits: [10], sleep, exhausted })).rejects.toThrow("failure 1");
    const isFirst = (error: unknown) => (error as Error).message === "failure 2";
    await expect(retry(operation, { waits: [10, 10], sleep, isRetryable: isFirst })).rejects.toThrow(
      "failure 3",
    );
    expect(calls.count).toBe(3);
  });

  test("a result that is not enough is asked for again, and returned when no try is left", async () => {
    const results = [1, 2, 3, 4, 5, 6];
    const options = { waits: [5, 5], sleep: fakeTime().sleep };
    const next = async () => results.shift()!;
    expect(await retry(next, { ...options, isDone: (result) => result === 2 })).toBe(2);
    expect(await retry(next, { ...options, isDone: () => false })).toBe(5);
  });

  test("no try begins at the time that ends them, or later", async () => {
    const { time, clock, sleep } = fakeTime();
    const options = { waits: every(500), sleep, isRetryable, until: { clock, at: 2500 } };
    await expect(retry(failing(9).operation, options)).rejects.toThrow("failure 3");
    expect(time.now).toBe(2000);
  });

  test("a rejection of sleep ends the tries", async () => {
    const sleep = () => Promise.reject(new Error("stopped"));
    await expect(retry(failing(1).operation, { waits: [1], sleep, isRetryable })).rejects.toThrow("stopped");
  });
});

describe("schedules", () => {
  test("doubling waits reach their limit and stay there, as many as were asked for", () => {
    expect([...doubling({ firstMs: 20, maxMs: 100, count: 5 })]).toEqual([20, 40, 80, 100, 100]);
  });

  test("jitter makes each wait a random part of itself", () => {
    const half = () => Uint8Array.of(0, 0, 0, 0x80);
    expect([...doubling({ firstMs: 20, maxMs: 100, count: 3, random: half })]).toEqual([10, 20, 40]);
  });

  test("equal waits have no end", () => {
    const waits = every(7)[Symbol.iterator]();
    expect(Array.from({ length: 100 }, () => waits.next().value)).toEqual(new Array(100).fill(7));
  });
});

test("tries that got further begin their schedule anew", async () => {
  const { time, sleep } = fakeTime();
  const tries = new Tries({ waits: doubling({ firstMs: 1, maxMs: 8, count: 2 }), sleep, isRetryable });
  const error = new Error("broken");
  await tries.failed(error);
  await tries.failed(error);
  tries.restart();
  await tries.failed(error);
  expect(time.slept).toEqual([1, 2, 1]);
  await tries.failed(error);
  await expect(tries.failed(error)).rejects.toThrow("broken");
});
