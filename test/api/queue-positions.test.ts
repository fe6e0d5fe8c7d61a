import { describe, expect, it } from "vitest";
import { queuePositions } from "../../functions/api/queue-positions.ts";

/** Opens a queue and counts its reads. */
function open(ids: string[]) {
  const queue = { ids, looks: 0, now: 0, fails: false };
  const jobs = {
    async *unfinished() {
      queue.looks += 1;
      if (queue.fails) throw new Error("no answer");
      for (const id of queue.ids) yield { tenant: "a", keyId: "k", id };
    },
  };
  return { queue, positions: queuePositions(jobs, { now: () => queue.now }) };
}

describe("a position in the queue", () => {
  it("a queue position is the number of jobs that came before", async () => {
    const { positions } = open(["b", "d", "a"]);
    expect(await Promise.all(["a", "c", "e"].map(positions.before))).toEqual([0, 2, 3]);
  });

  it("queue positions of all requests within a second are found by one listing", async () => {
    const { queue, positions } = open(["a"]);
    await Promise.all(["b", "c"].map(positions.before));
    queue.now = 999;
    queue.ids = [];
    expect(await positions.before("b")).toBe(1);
    expect(queue.looks).toBe(1);
    queue.now = 1000;
    expect(await positions.before("b")).toBe(0);
  });

  it("a queue position counts each job that joined after the listing once", async () => {
    const { positions } = open(["a"]);
    await positions.before("a");
    positions.joined("b");
    positions.joined("b");
    expect(await positions.before("c")).toBe(2);
  });

  it("a queue position above a thousand is not told", async () => {
    const ids = Array.from({ length: 1000 }, (_, at) => String(at).padStart(4, "0"));
    expect(await open(ids).positions.before("9999")).toBe(1000);
    expect(await open([...ids, "more"]).positions.before("9999")).toBeNull();
  });

  it("a failed listing is not remembered", async () => {
    const { queue, positions } = open(["a"]);
    queue.fails = true;
    await expect(positions.before("b")).rejects.toThrow("no answer");
    queue.fails = false;
    expect(await positions.before("b")).toBe(1);
  });
});
