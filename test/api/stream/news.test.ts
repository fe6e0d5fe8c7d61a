import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type News, newsOf, type Watched } from "../../../functions/api/stream/news.ts";
import { eventIdOf, type Told, toldBy } from "../../../functions/api/stream/told.ts";
import type { JobProgress, JobStatus } from "../../../lib/service/jobs/index.ts";
import { receipt } from "../../service/jobs/sample-job.ts";

const VIDEO = "video_01m8kyv6f5zm34b35jvnzcxjs8";

/** State that a stream may see, with its place in the queue. */
interface State {
  readonly record: Watched;
  readonly position: number | null;
}

const queued = (attempt: number, position: number): State => ({
  record: { status: "queued", attempt, progress: null, receipt: null },
  position,
});

function running(attempt: number, taken: string, more: Partial<JobProgress> = {}): State {
  const computed = taken.replaceAll("r", "").length;
  const progress: JobProgress = {
    ...{ stage: "denoise", steps: 20, done: taken.length, computed, taken },
    ...{ secondsLeft: null, preview: null, ...more },
  };
  return { record: { status: "running", attempt, progress, receipt: null }, position: null };
}

/** Ends an attempt whose steps were these; the record may know of fewer. */
function ended(attempt: number, status: JobStatus, taken: string, stored: JobProgress | null): State {
  const indices = (kind: string) => [...taken].flatMap((each, index) => (each === kind ? [index + 1] : []));
  const steps = {
    ...{ requested: taken.length, computed: indices("c").length, reused: indices("r").length },
    ...{ computed_indices: indices("c"), reused_indices: indices("r") },
  };
  const made = status === "completed" ? { ...receipt, steps, comparison: null } : null;
  return { record: { status, attempt, progress: stored, receipt: made }, position: null };
}

/** Lives of videos: attempts that are lost or not, each with its steps, and the end. */
const lives = fc
  .record({
    attempts: fc.array(
      fc.record({
        waits: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
        taken: fc.stringMatching(/^[cr]{1,20}$/),
        seen: fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 6 }),
        previews: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    end: fc.constantFrom<JobStatus>("completed", "failed", "cancelled"),
  })
  .map(({ attempts, end }) => {
    const states: State[] = [];
    attempts.forEach(({ waits, taken, seen, previews }, index) => {
      const attempt = index + 1;
      states.push(...waits.map((position) => queued(index, position)));
      const shown = previews.toSorted((a, b) => a - b);
      const lengths = seen.map((length) => Math.min(length, taken.length)).toSorted((a, b) => a - b);
      states.push(
        ...lengths.map((length) =>
          running(attempt, taken.slice(0, length), {
            preview: shown.findLast((step) => step <= length) ?? null,
          }),
        ),
      );
    });
    const last = attempts.at(-1)!;
    const newest = states.at(-1)?.record;
    const stored = newest?.attempt === attempts.length ? newest.progress : null;
    states.push(ended(attempts.length, end, last.taken, stored));
    return { states, taken: last.taken, end, attempts: attempts.length };
  });

/** Reads a stream of these states. At each cut only so many events arrive, and the reader resumes by their last id. */
function read(states: readonly State[], cuts: readonly number[]): News[] {
  const got: News[] = [];
  let told: Told | null = null;
  const look = ({ record, position }: State, arriving = Number.POSITIVE_INFINITY) => {
    for (const news of newsOf(record, position, told).slice(0, arriving)) {
      got.push(news);
      told = toldBy(eventIdOf(VIDEO, news.told), VIDEO);
    }
  };
  for (const [index, state] of states.entries()) look(state, cuts[index]);
  // A reader comes again until it has all of the end.
  look(states.at(-1)!);
  return got;
}

describe("the news of a stream", () => {
  it("Each step of an attempt is told of once and in order, and the end arrives, wherever the reader is cut off.", () => {
    fc.assert(
      fc.property(lives, fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 30 }), (life, cuts) => {
        const got = read(life.states, cuts);
        const stepsOf = (attempt: number) =>
          got.flatMap((news) =>
            news.event === "progress" && news.told.attempt === attempt ? news.taken : [],
          );
        for (let attempt = 1; attempt <= life.attempts; attempt += 1) {
          const steps = stepsOf(attempt);
          expect(steps.map(({ step }) => step)).toEqual(steps.map((_, index) => index + 1));
        }
        const last = stepsOf(life.attempts)
          .map(({ computed }) => (computed ? "c" : "r"))
          .join("");
        expect(life.taken.startsWith(last)).toBe(true);
        const cameBefore = got.length > 1;
        if (life.end === "completed" && cameBefore) expect(last).toBe(life.taken);
        expect(got.at(-1)).toMatchObject({ event: "status", told: { status: life.end } });
        expect(got.filter(({ event, told }) => event === "status" && told.status === life.end)).toHaveLength(
          1,
        );
        expect(got[0]?.event).toBe("status");
      }),
      { numRuns: 500 },
    );
  });

  it("A state that was told is told once, and previews only become newer.", () => {
    fc.assert(
      fc.property(lives, ({ states }) => {
        let told: Told | null = null;
        let shown = 0;
        for (const { record, position } of states) {
          const news = newsOf(record, position, told);
          for (const each of news) {
            if (each.event === "status") shown = 0;
            if (each.event === "preview") expect(each.step).toBeGreaterThan(shown);
            if (each.event === "preview") shown = each.step;
            told = each.told;
          }
          expect(newsOf(record, position, told)).toEqual([]);
        }
      }),
    );
  });

  it("A place in the queue that moves is told of.", () => {
    const first = newsOf(queued(0, 3).record, 3, null);
    expect(first.map(({ event }) => event)).toEqual(["status"]);
    expect(newsOf(queued(0, 2).record, 2, first[0]!.told)).toMatchObject([
      { event: "progress", taken: [], told: { position: 2 } },
    ]);
  });

  it("A record that lags behind what was told is waited for.", () => {
    const ahead = newsOf(running(1, "ccr").record, null, null).at(-1)!.told;
    expect(newsOf(running(1, "c").record, null, ahead)).toEqual([]);
    expect(newsOf(running(1, "ccrc").record, null, ahead)).toMatchObject([
      { taken: [{ step: 4, computed: true }] },
    ]);
  });

  it("The steps of a comparison's second run are all computed.", () => {
    const { record } = ended(1, "completed", "cr", null);
    const compared = {
      ...record,
      receipt: { ...record.receipt!, comparison: receipt.comparison ?? ({} as never) },
    };
    const told = newsOf(running(1, "c").record, null, null).at(-1)!.told;
    expect(newsOf(compared, null, told)[0]).toMatchObject({
      taken: [
        { step: 2, computed: false },
        { step: 3, computed: true },
        { step: 4, computed: true },
      ],
    });
  });
});

describe("the id of an event", () => {
  const toldOf = fc.record({
    status: fc.constantFrom<JobStatus>("queued", "running", "completed", "failed", "cancelled"),
    attempt: fc.nat({ max: 999_999_999 }),
    done: fc.nat({ max: 999_999_999 }),
    stage: fc.constantFrom<Told["stage"]>(null, "load", "encode", "denoise", "decode", "write"),
    position: fc.option(fc.nat({ max: 999_999_999 })),
    preview: fc.option(fc.nat({ max: 999_999_999 })),
  });

  it("An id says what was told.", () => {
    fc.assert(
      fc.property(toldOf, (told) => void expect(toldBy(eventIdOf(VIDEO, told), VIDEO)).toEqual(told)),
    );
  });

  it("An id of another video, and any other text, counts as none.", () => {
    fc.assert(
      fc.property(toldOf, (told) => {
        expect(toldBy(eventIdOf("video_01m8kyxq3a8t5c2w9m4r7e1d6h", told), VIDEO)).toBeNull();
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void expect(toldBy(text, VIDEO)).toBeNull()));
    for (const wrong of [
      undefined,
      `${VIDEO}`,
      `${VIDEO}.running.1.2.denoise.-`,
      `${VIDEO}.running.1.2.denoise.-.-.-`,
      `${VIDEO}.over.1.2.denoise.-.-`,
      `${VIDEO}.running.-.2.denoise.-.-`,
      `${VIDEO}.running.1.2.dreaming.-.-`,
      `${VIDEO}.running.1.-2.denoise.-.-`,
      `${VIDEO}.running.1.1e9.denoise.-.-`,
      `${VIDEO}.running.1.9999999999.denoise.-.-`,
    ])
      expect(toldBy(wrong, VIDEO)).toBeNull();
  });

  it("An id of an attempt to come counts as none.", () => {
    const told: Told = { status: "running", attempt: 9, done: 9, stage: null, position: null, preview: null };
    expect(newsOf(running(1, "c").record, null, told).map(({ event }) => event)).toEqual([
      "status",
      "progress",
    ]);
  });
});
