import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { inLanes } from "../../../lib/service/storage/lanes.ts";

it("every task is done, in order, and never more at once than there are lanes", async () => {
  const begun: number[] = [];
  let [now, most] = [0, 0];
  await inLanes([0, 1, 2, 3, 4, 5, 6], 3, async (item) => {
    begun.push(item);
    now += 1;
    most = Math.max(most, now);
    await turn();
    now -= 1;
  });
  expect([begun, most]).toEqual([[0, 1, 2, 3, 4, 5, 6], 3]);
  await inLanes([], 3, async () => expect.unreachable());
});

it("a failure keeps other tasks from beginning, and waits for those under way", async () => {
  const ended: number[] = [];
  const failing = inLanes([0, 1, 2, 3], 2, async (item) => {
    if (item === 0) throw new Error("first");
    await turn();
    ended.push(item);
  });
  await expect(failing).rejects.toThrow("first");
  expect(ended).toEqual([1]);
});
