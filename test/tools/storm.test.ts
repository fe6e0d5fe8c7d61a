import { describe, expect, it } from "vitest";
import type { Fate } from "../../tools/storm/fates.ts";
import type { Arrival } from "../../tools/storm/receivers.ts";
import { report, verdicts } from "../../tools/storm/report.ts";
import type { StormResult } from "../../tools/storm/storm.ts";

const fate: Fate = {
  name: "order-1",
  tenant: "calm",
  kind: "good",
  request: {},
  id: "video_1",
  wish: "nothing",
  end: "completed",
  ends: 1,
  losses: 0,
  isOneByOne: true,
  isIntact: true,
  isSame: true,
};

const arrival: Arrival = {
  kind: "good",
  webhookId: "evt_1_completed",
  videoId: "video_1",
  type: "video.completed",
  bodyHash: "a",
  at: 1,
  isAnswered: true,
};

const calm: StormResult = {
  options: { jobs: 1, faults: 1, silent: 0, seed: 1, minutes: 1, workers: 0 },
  seconds: 2,
  faults: { kill: 1, suspend: 0, hang: 0, clock: 0 },
  starts: 1,
  fates: [fate],
  arrivals: [arrival],
  undelivered: [],
  neighbours: [20, 30],
  watched: { opened: { reads: 1, vanishes: 1, stares: 0 }, garbled: [], held: 0 },
  left: { processes: 0, unfinished: 0, temporary: 3 },
  exitCode: 0,
};

const brokenIn = (result: StormResult) =>
  verdicts(result)
    .filter(({ broken }) => broken.length > 0)
    .map(({ promise }) => promise);

describe("the verdicts of a storm", () => {
  it("A calm storm breaks no promise.", () => {
    expect(brokenIn(calm)).toEqual([]);
    expect(report(calm)).not.toContain("BROKEN");
  });

  const storms: readonly [promise: string, change: Partial<StormResult>][] = [
    ["an acknowledged video ends", { fates: [{ ...fate, end: "unfinished", ends: 0 }] }],
    ["it ends once", { fates: [{ ...fate, ends: 2 }] }],
    ["it is there unless its client deleted it", { fates: [{ ...fate, end: "404" }] }],
    ["it is there unless its client deleted it", { fates: [{ ...fate, wish: "deleted" }] }],
    ["one worker at a time makes it", { fates: [{ ...fate, isOneByOne: false }] }],
    ["its file is the one that its receipt names", { fates: [{ ...fate, isIntact: false }] }],
    ["its idempotency key names it and no other", { fates: [{ ...fate, isSame: false }] }],
    ["its end is delivered to a receiver that answers", { undelivered: [fate] }],
    ["an event has one webhook-id", { arrivals: [arrival, { ...arrival, webhookId: "evt_2" }] }],
    ["a webhook-id has one body", { arrivals: [arrival, { ...arrival, bodyHash: "b" }] }],
    ["a neighbour's webhook comes within 1000 ms (p99)", { neighbours: [20, 2000] }],
    ["a stream tells of each step once and in order", { watched: { ...calm.watched, garbled: ["video_1"] } }],
    ["a stream is held for no reader that is gone", { watched: { ...calm.watched, held: 2 } }],
    ["a stream is held for no reader that is gone", { watched: { ...calm.watched, held: null } }],
    ["nothing is left behind", { left: { processes: 1, unfinished: 0, temporary: 0 } }],
    ["the service stops in order", { exitCode: null }],
  ];
  it.each(storms)('A storm that breaks "%s" says so.', (promise, change) => {
    expect(brokenIn({ ...calm, ...change })).toEqual([promise]);
    expect(report({ ...calm, ...change })).toContain("BROKEN 1 times");
  });
});
