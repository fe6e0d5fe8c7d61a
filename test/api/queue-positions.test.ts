import { describe, expect, it } from "vitest";
import { queuePositions } from "../../functions/api/queue-positions.ts";

const job = (id: string, tenant = "a", keyId = "k") => ({ tenant, keyId, id });

/** Opens a queue and counts its reads. */
function open(jobs: ReturnType<typeof job>[]) {
  const queue = { jobs, looks: 0, now: 0, fails: false };
  const store = {
    async *unfinished() {
      queue.looks += 1;
      if (queue.fails) throw new Error("no answer");
      yield* queue.jobs;
    },
  };
  return { queue, positions: queuePositions(store, { now: () => queue.now }) };
}

describe("a position in the queue", () => {
  it("a queue position within one key is the number of jobs that came before", async () => {
    const { positions } = open([job("b"), job("d"), job("a")]);
    const asked = [job("a"), job("c"), job("e")];
    expect(await Promise.all(asked.map((each) => positions.before(each)))).toEqual([0, 2, 4]);
  });

  it("a queue position counts one turn of each other tenant and key for each of its own", async () => {
    const many = Array.from({ length: 100 }, (_, at) => job(`v${100 + at}`));
    const { positions } = open(many);
    expect(await positions.before(job("w1", "b"))).toBe(1);
    expect(await positions.before(job("w2", "b"))).toBe(3);
    // The second key of the first tenant has every second turn of that tenant.
    expect(await positions.before(job("w3", "a", "other"))).toBe(3);
    expect(await positions.before(job("v199"))).toBe(102);
  });

  it("queue positions of all requests within a second are found by one listing", async () => {
    const { queue, positions } = open([job("a")]);
    await Promise.all(["b", "c"].map((id) => positions.before(job(id))));
    queue.now = 999;
    queue.jobs = [];
    expect(await positions.before(job("b"))).toBe(1);
    expect(queue.looks).toBe(1);
    queue.now = 1000;
    expect(await positions.before(job("b"))).toBe(0);
  });

  it("a queue position is looked up again when the clock was set back", async () => {
    const { queue, positions } = open([job("a")]);
    queue.now = 3_600_000;
    await positions.before(job("b"));
    [queue.now, queue.jobs] = [0, []];
    expect(await positions.before(job("b"))).toBe(0);
  });

  it("a queue position counts each job that joined after the listing once", async () => {
    const { positions } = open([job("a")]);
    await positions.before(job("a"));
    positions.joined(job("b"));
    positions.joined(job("b"));
    expect(await positions.before(job("c"))).toBe(2);
  });

  it("a queue position above a thousand is not told", async () => {
    const jobs = Array.from({ length: 1000 }, (_, at) => job(String(at).padStart(4, "0")));
    expect(await open(jobs).positions.before(job("9999"))).toBe(1000);
    expect(await open([...jobs, job("more")]).positions.before(job("9999"))).toBeNull();
  });

  it("a failed listing is not remembered", async () => {
    const { queue, positions } = open([job("a")]);
    queue.fails = true;
    await expect(positions.before(job("b"))).rejects.toThrow("no answer");
    queue.fails = false;
    expect(await positions.before(job("b"))).toBe(1);
  });
});
