import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AttemptProgressOptions, attemptProgress } from "../../functions/gpu/attempt-progress.ts";
import { type PastVideo, pastVideos } from "../../functions/gpu/past-videos.ts";

const past: PastVideo = { taken: "ccrr", reusedSeconds: 1, decodeSeconds: 3, storeSeconds: 2 };

/** Follows a video of these steps, of which a computed one takes `seconds.c` and a reused one `seconds.r`. */
function follow(
  taken: string,
  seconds: { c: number; r: number },
  options: Partial<AttemptProgressOptions> = {},
) {
  let now = 0;
  const progress = attemptProgress({ runs: 1, last: null, now: () => now, ...options });
  const steps = taken.length;
  const told = [progress.at({ stage: "denoise", steps, done: 0, computed: 0 })];
  for (let done = 1; done <= steps; done += 1) {
    now += seconds[taken[done - 1] as "c" | "r"] * 1000;
    const computed = taken.slice(0, done).replaceAll("r", "").length;
    told.push(progress.at({ stage: "denoise", steps, done, computed }));
  }
  return { progress, told, steps };
}

describe("the progress of an attempt", () => {
  it("The steps are told one by one, computed or reused, in their order.", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[cr]{1,60}$/), (taken) => {
        const { told } = follow(taken, { c: 1, r: 0.1 });
        expect(told.map((each) => each.taken)).toEqual(
          Array.from({ length: taken.length + 1 }, (_, done) => taken.slice(0, done)),
        );
      }),
    );
  });

  it("An audit's step repeats its progress as the same object.", () => {
    const { progress, steps } = follow("cr", { c: 1, r: 1 });
    const first = progress.at({ stage: "denoise", steps, done: 2, computed: 1 });
    expect(progress.at({ stage: "denoise", steps, done: 2, computed: 1 })).toBe(first);
  });

  it("Without a step nothing is predicted; after one, the share of computed steps so far goes on.", () => {
    const { told } = follow("ccrr", { c: 10, r: 2 });
    expect(told.map(({ secondsLeft }) => secondsLeft)).toEqual(
      [null, 30, 20, (2 / 3) * 10 + (1 / 3) * 2, null].map((value) => value && Math.round(value * 10) / 10),
    );
  });

  it("The last video of the kind tells of the steps to come, of decoding and of storing.", () => {
    const { told, progress, steps } = follow("ccrr", { c: 10, r: 2 }, { last: past });
    expect(told.map(({ secondsLeft }) => secondsLeft)).toEqual([null, 10 + 2 + 5, 2 + 5, 2 + 5, 5]);
    const at = (stage: "decode" | "write") => progress.at({ stage, steps, done: 4, computed: 2 }).secondsLeft;
    expect([at("decode"), at("write")]).toEqual([5, 2]);
  });

  it("A comparison decodes twice and computes every step of its second run.", () => {
    const { told } = follow("crcc", { c: 10, r: 2 }, { runs: 2, last: { ...past, taken: "" } });
    expect(told.map(({ secondsLeft }) => secondsLeft)).toEqual([null, 38, 25, 15, 5]);
  });

  it("No prediction is negative, whatever the pipeline tells.", () => {
    const step = fc.record({
      stage: fc.constantFrom("load", "encode", "denoise", "decode", "write"),
      steps: fc.integer({ min: 1, max: 20 }),
      done: fc.integer({ min: 0, max: 20 }),
      computed: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(step), fc.constantFrom(1, 2), fc.constantFrom(null, past), (steps, runs, last) => {
        let now = 0;
        const progress = attemptProgress({ runs, last, now: () => (now += 7) });
        for (const each of steps) {
          const { secondsLeft, taken } = progress.at({ ...each, done: Math.min(each.done, each.steps) });
          expect(secondsLeft === null || secondsLeft >= 0).toBe(true);
          expect(taken).toMatch(/^[cr]*$/);
        }
      }),
    );
  });
});

describe("past videos", () => {
  it("The last video of each kind is kept, and the oldest kinds are forgotten.", () => {
    const videos = pastVideos();
    for (let kind = 0; kind < 40; kind += 1) videos.keep(String(kind), { ...past, storeSeconds: kind });
    videos.keep("39", past);
    expect([videos.last("7"), videos.last("8")?.storeSeconds, videos.last("39")]).toEqual([null, 8, past]);
  });
});
