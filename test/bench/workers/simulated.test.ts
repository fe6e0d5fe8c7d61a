import { expect, it } from "vitest";
import { simulatedReport, simulateWorkers } from "../../../tools/bench/workers/simulated.ts";

const few = { videosPerWorker: 8, lateOrders: 10, restMs: 20_000 };

it("simulated workers have the same figures every time", async () => {
  const once = await simulateWorkers({ ...few, workers: 3 });
  expect(await simulateWorkers({ ...few, workers: 3 })).toEqual(once);
});

it("simulated workers take more jobs a second the more they are, and fewer than waiting alone allows", async () => {
  const [one, four] = [
    await simulateWorkers({ ...few, workers: 1 }),
    await simulateWorkers({ ...few, workers: 4 }),
  ];
  expect(four.waiting.perSecond).toBeGreaterThan(2 * one.waiting.perSecond);
  expect(four.instant.perSecond).toBeGreaterThan(2 * one.instant.perSecond);
  expect(one.waiting.perSecond).toBeLessThan(2);
  expect(one.instant.perSecond).toBeGreaterThan(one.waiting.perSecond);
});

it("a simulated start lasts at least as long as the request that claims the job, and no longer than a look and a video", async () => {
  const { waiting } = await simulateWorkers({ ...few, workers: 2 });
  expect(waiting.startMs).toHaveLength(few.lateOrders);
  expect(Math.min(...waiting.startMs)).toBeGreaterThan(2);
  expect(Math.max(...waiting.startMs)).toBeLessThan(4000);
});

it("the report of simulated workers has the figures of each number of workers in one row", () => {
  const waiting = {
    workers: 2,
    perSecond: 3,
    requestsPerVideo: 12.34,
    listsPerMinute: 100,
    startMs: [100, 200, 300],
  };
  const report = simulatedReport([{ waiting, instant: { perSecond: 5.55 } }]);
  expect(report).toContain("| 2 | 5.5 | 3.00 of 4 (75 %) | 12.3 | 200 | 290 | 100 | 21.60 |");
});
