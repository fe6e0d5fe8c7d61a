import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  JOB_STATUSES,
  type JobEvent,
  type JobRecord,
  type JobStatus,
} from "../../../lib/service/jobs/index.ts";
import { isFinished, jobRecordSchema, queuedJob } from "../../../lib/service/jobs/record.ts";
import { FAILURES_MAX, LOSSES_MAX, transition } from "../../../lib/service/jobs/transition.ts";
import { CLOCK_SKEW_MS } from "../../../lib/shared/ahead.ts";
import { forgotten, later, NOW, newJob, outputs, queued, receipt } from "./sample-job.ts";

const LEASE_MS = 60_000;
const error = { code: "internal_error", message: "The video could not be generated." } as const;

/**
 * Rules of the transition table. A row applies to every situation that contains all words of `when`. `then` is the next
 * status, `same` (allowed without a change), or a refusal.
 */
const RULES: readonly [status: JobStatus, event: string, when: string, then: string][] = [
  ["queued", "dispatch", "", "queued"],
  ["queued", "undispatch", "", "same"],
  ["queued", "claim", "before-deadline", "running"],
  ["queued", "claim", "after-deadline", "refused: overdue"],
  ["queued", "renew", "", "refused: lease_lost"],
  ["queued", "complete", "", "refused: lease_lost"],
  ["queued", "fail", "", "refused: lease_lost"],
  ["queued", "fail for good", "", "refused: lease_lost"],
  ["queued", "release", "", "refused: lease_lost"],
  ["queued", "lose", "", "refused: not_running"],
  ["queued", "abandon", "", "refused: not_running"],
  ["queued", "cancel", "", "cancelled"],
  ["queued", "expire", "before-deadline", "refused: not_due"],
  ["queued", "expire", "after-deadline", "failed"],
  ["queued", "expire in 1 ms", "", "failed"],
  ["queued", "redate", "created-before", "refused: not_due"],
  ["queued", "redate", "created-ahead", "queued"],
  ["queued", "delete", "", "refused: unfinished"],

  ["running", "dispatch", "", "refused: leased"],
  ["running", "undispatch", "", "refused: leased"],
  ["running", "claim", "lease-runs", "refused: leased"],
  ["running", "claim", "lease-over more-chances before-deadline", "running"],
  ["running", "claim", "lease-over more-chances after-deadline", "refused: overdue"],
  ["running", "claim", "lease-over last-chance", "failed"],
  ["running", "renew", "holder before-deadline", "running"],
  ["running", "renew", "holder after-deadline", "refused: overdue"],
  ["running", "renew", "other-owner", "refused: lease_lost"],
  ["running", "renew", "other-attempt", "refused: lease_lost"],
  ["running", "complete", "holder", "completed"],
  ["running", "complete", "other-owner", "refused: lease_lost"],
  ["running", "complete", "other-attempt", "refused: lease_lost"],
  ["running", "fail", "holder more-chances", "queued"],
  ["running", "fail", "holder last-chance", "failed"],
  ["running", "fail", "other-owner", "refused: lease_lost"],
  ["running", "fail", "other-attempt", "refused: lease_lost"],
  ["running", "fail for good", "holder", "failed"],
  ["running", "fail for good", "other-owner", "refused: lease_lost"],
  ["running", "fail for good", "other-attempt", "refused: lease_lost"],
  ["running", "release", "holder", "queued"],
  ["running", "release", "other-owner", "refused: lease_lost"],
  ["running", "release", "other-attempt", "refused: lease_lost"],
  ["running", "lose", "lease-runs", "refused: leased"],
  ["running", "lose", "lease-over more-chances", "queued"],
  ["running", "lose", "lease-over last-chance", "failed"],
  ["running", "abandon", "holder more-chances", "queued"],
  ["running", "abandon", "holder last-chance", "failed"],
  ["running", "abandon", "other-attempt more-chances", "queued"],
  ["running", "abandon", "other-attempt last-chance", "failed"],
  ["running", "abandon", "other-owner", "refused: lease_lost"],
  ["running", "cancel", "", "cancelled"],
  ["running", "expire", "before-deadline", "refused: not_due"],
  ["running", "expire", "after-deadline", "failed"],
  ["running", "expire in 1 ms", "before-deadline", "refused: not_due"],
  ["running", "expire in 1 ms", "after-deadline", "failed"],
  ["running", "redate", "created-before", "refused: not_due"],
  ["running", "redate", "created-ahead", "running"],
  ["running", "delete", "", "refused: unfinished"],

  ["completed", "dispatch", "", "refused: finished"],
  ["completed", "undispatch", "", "refused: finished"],
  ["completed", "claim", "", "refused: finished"],
  ["completed", "renew", "", "refused: finished"],
  ["completed", "complete", "holder", "same"],
  ["completed", "complete", "other-owner", "same"],
  ["completed", "complete", "other-attempt", "refused: finished"],
  ["completed", "fail", "", "refused: finished"],
  ["completed", "fail for good", "", "refused: finished"],
  ["completed", "release", "", "refused: finished"],
  ["completed", "lose", "", "refused: finished"],
  ["completed", "abandon", "", "refused: finished"],
  ["completed", "cancel", "", "refused: finished"],
  ["completed", "expire", "", "refused: finished"],
  ["completed", "expire in 1 ms", "", "refused: finished"],
  ["completed", "redate", "", "refused: finished"],
  ["completed", "delete", "", "completed"],

  ["failed", "dispatch", "", "refused: finished"],
  ["failed", "undispatch", "", "refused: finished"],
  ["failed", "claim", "", "refused: finished"],
  ["failed", "renew", "", "refused: finished"],
  ["failed", "complete", "", "refused: finished"],
  ["failed", "fail", "", "refused: finished"],
  ["failed", "fail for good", "", "refused: finished"],
  ["failed", "release", "", "refused: finished"],
  ["failed", "lose", "", "refused: finished"],
  ["failed", "abandon", "", "refused: finished"],
  ["failed", "cancel", "", "refused: finished"],
  ["failed", "expire", "", "refused: finished"],
  ["failed", "expire in 1 ms", "", "refused: finished"],
  ["failed", "redate", "", "refused: finished"],
  ["failed", "delete", "", "failed"],

  ["cancelled", "dispatch", "", "refused: finished"],
  ["cancelled", "undispatch", "", "refused: finished"],
  ["cancelled", "claim", "", "refused: finished"],
  ["cancelled", "renew", "", "refused: finished"],
  ["cancelled", "complete", "", "refused: finished"],
  ["cancelled", "fail", "", "refused: finished"],
  ["cancelled", "fail for good", "", "refused: finished"],
  ["cancelled", "release", "", "refused: finished"],
  ["cancelled", "lose", "", "refused: finished"],
  ["cancelled", "abandon", "", "refused: finished"],
  ["cancelled", "cancel", "", "same"],
  ["cancelled", "expire", "", "refused: finished"],
  ["cancelled", "expire in 1 ms", "", "refused: finished"],
  ["cancelled", "redate", "", "refused: finished"],
  ["cancelled", "delete", "", "cancelled"],
];

const EVENTS = [...new Set(RULES.map(([, event]) => event))];
const SITUATIONS = product(
  ["holder", "other-owner", "other-attempt"],
  ["lease-runs", "lease-over"],
  ["before-deadline", "after-deadline"],
  ["more-chances", "last-chance"],
  ["created-before", "created-ahead"],
);

function product(...choices: string[][]): string[][] {
  return choices.reduce<string[][]>(
    (all, words) => all.flatMap((chosen) => words.map((word) => [...chosen, word])),
    [[]],
  );
}

function ruleFor(status: JobStatus, event: string, situation: readonly string[]): string {
  const rules = RULES.filter(
    ([ofStatus, ofEvent, when]) =>
      ofStatus === status &&
      ofEvent === event &&
      when.split(" ").every((word) => word === "" || situation.includes(word)),
  );
  expect(rules, `${status} ${event} ${situation.join(" ")}`).toHaveLength(1);
  return rules[0]![3];
}

const claim: JobEvent = { type: "claim", owner: "worker", leaseMs: LEASE_MS };
const holder = { owner: "worker", attempt: 1 };

function eventOf(name: string, situation: readonly string[]): JobEvent {
  const owner = situation.includes("other-owner") ? "stranger" : "worker";
  const by = { owner, attempt: situation.includes("other-attempt") ? 2 : 1 };
  switch (name) {
    case "dispatch":
      return { type: "dispatch", to: "endpoint" };
    case "claim":
      return { type: "claim", owner: "another", leaseMs: LEASE_MS };
    case "renew":
      return { type: "renew", ...by, leaseMs: LEASE_MS, progress: null };
    case "complete":
      return { type: "complete", ...by, outputs, receipt };
    case "fail":
      return { type: "fail", ...by, error, isRetryable: true };
    case "fail for good":
      return { type: "fail", ...by, error, isRetryable: false };
    case "release":
      return { type: "release", ...by };
    case "abandon":
      return { type: "abandon", owner };
    case "delete":
      return { type: "delete", params: forgotten };
    case "expire in 1 ms":
      return { type: "expire", leastMs: 1 };
    default:
      return { type: name as "undispatch" | "lose" | "cancel" | "expire" | "redate" };
  }
}

/** Makes a record that is in the given situation at `NOW`, with its times just at the limits. */
function recordOf(status: JobStatus, situation: readonly string[]): JobRecord {
  const isOver = situation.includes("lease-over");
  const isLast = situation.includes("last-chance");
  const running = later(queued, NOW - 1, claim);
  const record = {
    queued,
    running: {
      ...running,
      lease: { owner: "worker", until: NOW - CLOCK_SKEW_MS + (isOver ? 0 : 1), lengthMs: 60_000 },
    },
    completed: later(running, NOW, { type: "complete", ...holder, outputs, receipt }),
    failed: later(running, NOW, { type: "fail", ...holder, error, isRetryable: false }),
    cancelled: later(running, NOW, { type: "cancel" }),
  }[status];
  return {
    ...record,
    failures: isLast ? FAILURES_MAX - 1 : 0,
    losses: isLast ? LOSSES_MAX - 1 : 0,
    deadlineAt: situation.includes("after-deadline") ? NOW : NOW + 1,
    createdAt: NOW + CLOCK_SKEW_MS + (situation.includes("created-ahead") ? 1 : 0),
  };
}

describe("a job", () => {
  for (const status of JOB_STATUSES) {
    for (const name of EVENTS) {
      it(`a job that is ${status} answers ${name} by the rules, in every situation`, () => {
        for (const situation of SITUATIONS) {
          const rule = ruleFor(status, name, situation);
          const record = recordOf(status, situation);
          const before = structuredClone(record);
          const next = transition(record, eventOf(name, situation), NOW);
          const place = situation.join(" ");
          expect(record, place).toEqual(before);
          if (rule.startsWith("refused: ")) {
            expect(next, place).toEqual({ ok: false, reason: rule.slice("refused: ".length) });
          } else if (rule === "same") {
            expect(next, place).toEqual({ ok: true, record, isChanged: false });
          } else {
            expect(next, place).toMatchObject({ ok: true, isChanged: true, record: { status: rule } });
          }
        }
      });
    }
  }

  it("a claimed job is held by the claimant until its lease ends, and announces only its first start", () => {
    const first = later(queued, NOW, claim);
    expect(first).toMatchObject({
      status: "running",
      attempt: 1,
      startedAt: NOW,
      lease: { owner: "worker", until: NOW + LEASE_MS },
    });
    expect(first.events.map(({ type }) => type)).toEqual(["video.queued", "video.in_progress"]);
    const second = later(first, NOW + 1, { type: "release", ...holder }, claim);
    expect(second).toMatchObject({ attempt: 2, startedAt: NOW, progress: null });
    expect(second.events).toEqual(first.events);
  });

  it("a job is in the queue of at most one endpoint, and in none once a worker gave it back", () => {
    const dispatched = later(queued, NOW, { type: "dispatch", to: "old" }, { type: "dispatch", to: "new" });
    expect(dispatched.dispatched).toEqual({ to: "new", at: NOW });
    expect(later(dispatched, NOW, { type: "undispatch" }).dispatched).toBeNull();
    const released = later(dispatched, NOW, claim, { type: "release", ...holder });
    expect(released).toMatchObject({ status: "queued", dispatched: null });
  });

  it("a waiting job whose video takes longer than what is left fails with both numbers, as whole seconds", () => {
    const expired = (leastMs: number, leftMs: number) =>
      later({ ...queued, deadlineAt: NOW + leftMs }, NOW, { type: "expire", leastMs });
    const { status, error, events } = expired(94_100, 40_900);
    expect({ status, error }).toEqual({
      status: "failed",
      error: {
        code: "deadline_exceeded",
        message: "Making the video takes at least 95 seconds, and 40 were left before its deadline.",
      },
    });
    expect(events.at(-1)!.type).toBe("video.failed");
    expect(expired(300, 1).error!.message).toMatch(/ at least 1 second, and 0 were left /);
    expect(expired(1500, 1500).error!.message).toMatch(/ at least 2 seconds, and 1 was left /);
    expect(expired(95_000, 0).error!.message).toBe("The job was not finished by its deadline.");
  });

  it("a job keeps the newest progress when a renewal brings none", () => {
    const progress = {
      stage: "denoise",
      steps: 8,
      done: 3,
      computed: 2,
      taken: "ccr",
      secondsLeft: 3,
      preview: null,
    } as const;
    const renewal = { type: "renew", ...holder, leaseMs: LEASE_MS } as const;
    const renewed = later(
      queued,
      NOW,
      claim,
      { ...renewal, progress },
      { ...renewal, leaseMs: 1, progress: null },
    );
    expect(renewed).toMatchObject({ progress, lease: { owner: "worker", until: NOW + 1 } });
  });

  it("lost workers and failures of the model are counted apart", () => {
    let record = queued;
    for (let losses = 1; losses < LOSSES_MAX; losses += 1) {
      record = later(record, NOW, claim, { type: "abandon", owner: "worker" });
      expect(record).toMatchObject({ status: "queued", losses, failures: 0, attempt: losses });
    }
    const by = { owner: "worker", attempt: LOSSES_MAX };
    record = later(record, NOW, claim, { type: "fail", ...by, error, isRetryable: true });
    expect(record).toMatchObject({ status: "queued", losses: LOSSES_MAX - 1, failures: 1, error: null });
    expect(later(record, NOW, claim, { type: "abandon", owner: "worker" })).toMatchObject({
      status: "failed",
      error: { code: "worker_lost" },
      failures: 1,
    });
  });

  it("a job ends with the model's own words when it failed for good or too often", () => {
    const failed = { type: "fail", ...holder, error, isRetryable: true } as const;
    expect(later(queued, NOW, claim, { ...failed, isRetryable: false })).toMatchObject({
      error,
      failures: 1,
    });
    const again = { ...failed, attempt: 2 };
    expect(later(queued, NOW, claim, failed, claim, again)).toMatchObject({ error, failures: FAILURES_MAX });
  });

  it("a job that is given back any number of times does not fail because of it", () => {
    let record = queued;
    for (let attempt = 1; attempt <= 100; attempt += 1) {
      record = later(record, NOW, claim, { type: "release", owner: "worker", attempt });
    }
    expect(record).toMatchObject({ status: "queued", attempt: 100, losses: 0, failures: 0 });
  });

  it("a job keeps a history of 64 entries, the first one and the newest", () => {
    let record = queued;
    for (let attempt = 1; attempt <= 100; attempt += 1) {
      record = later(record, NOW + attempt, claim, { type: "release", owner: "worker", attempt });
    }
    expect(record.history).toHaveLength(64);
    expect(record.history[0]).toEqual({ at: NOW, type: "created", attempt: 0 });
    expect(record.history[1]).toEqual({ at: NOW + 69, type: "released", attempt: 69 });
    expect(record.history.at(-1)).toEqual({ at: NOW + 100, type: "released", attempt: 100 });
  });

  it("a deleted job forgets its prompt, the words of it in its receipt, and its outputs once, and keeps its state", () => {
    const made = recordOf("completed", []);
    const prompt = { ...made.receipt!.prompt, read: "a dog", negative_read: "a cat" };
    const words = { unknown_words: ["dog"], notes: ["The text encoder does not know: d."], prompt };
    const completed = { ...made, receipt: { ...made.receipt!, ...words } };
    const deleted = later(completed, NOW + 5, { type: "delete", params: forgotten });
    expect(deleted).toMatchObject({
      status: "completed",
      deletedAt: NOW + 5,
      outputs: null,
      params: { prompt: "", negativePrompt: null, seed: 5 },
      receipt: { unknown_words: [], notes: [], steps: completed.receipt.steps },
    });
    expect(deleted.receipt!.prompt).toEqual(made.receipt!.prompt);
    expect(deleted.events).toEqual(completed.events);
    expect(transition(deleted, { type: "delete", params: forgotten }, NOW + 9)).toEqual({
      ok: true,
      record: deleted,
      isChanged: false,
    });
  });

  it("a job that a clock created ahead of time is given its own times again, counted from the present", () => {
    const ahead = {
      ...newJob,
      createdAt: NOW + 3_600_000,
      deadlineAt: NOW + 3_660_000,
      expiresAt: NOW + 4_000_000,
    };
    expect(later(queuedJob(ahead), NOW, { type: "redate" })).toMatchObject({
      createdAt: NOW,
      deadlineAt: NOW + 60_000,
      expiresAt: NOW + 400_000,
    });
  });

  it("a job's time of update never decreases, whatever a clock says", () => {
    const claimed = later(queued, NOW, claim);
    const renewed = later(claimed, NOW - 60_000, {
      type: "renew",
      ...holder,
      leaseMs: LEASE_MS,
      progress: null,
    });
    expect(renewed.updatedAt).toBe(NOW);
    expect(later(renewed, NOW - 60_000, { type: "cancel" }).updatedAt).toBe(NOW);
  });
});

describe("whatever happens to a job", () => {
  const owner = fc.constantFrom("a", "b", "c");
  const attempt = fc.integer({ min: 1, max: 6 });
  const leaseMs = fc.integer({ min: 1, max: 120_000 });
  const anyEvent: fc.Arbitrary<JobEvent> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constant("claim" as const), owner, leaseMs }) },
    fc.record({
      type: fc.constant("renew" as const),
      owner,
      attempt,
      leaseMs,
      progress: fc.constant(null),
    }),
    fc.record({
      type: fc.constant("complete" as const),
      owner,
      attempt,
      outputs: fc.constant(outputs),
      receipt: fc.constant(receipt),
    }),
    fc.record({
      type: fc.constant("fail" as const),
      owner,
      attempt,
      error: fc.constant(error),
      isRetryable: fc.boolean(),
    }),
    fc.record({ type: fc.constant("release" as const), owner, attempt }),
    fc.record({ type: fc.constant("abandon" as const), owner }),
    fc.record({ type: fc.constantFrom("lose" as const, "cancel" as const) }),
    fc.record({ type: fc.constant("expire" as const), leastMs: fc.integer({ min: 0, max: 1_200_000 }) }),
    fc.record({ type: fc.constant("delete" as const), params: fc.constant(forgotten) }),
  );
  /** Events, and the milliseconds that pass before each; time may also go backwards. */
  const life = fc.array(fc.tuple(anyEvent, fc.integer({ min: -5000, max: 90_000 })), { maxLength: 60 });

  it("a job is never due while more time is left than its video takes, nor while it runs before its deadline", () => {
    const ms = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(ms, ms, fc.boolean(), (leastMs, leftMs, isRunning) => {
        const waiting = { ...queued, deadlineAt: NOW + leftMs };
        const record = isRunning ? { ...later(queued, NOW, claim), deadlineAt: NOW + leftMs } : waiting;
        const next = transition(record, { type: "expire", leastMs }, NOW);
        const isDue = leftMs === 0 || (!isRunning && leastMs >= leftMs);
        expect(next).toMatchObject(isDue ? { record: { status: "failed" } } : { reason: "not_due" });
      }),
    );
  });

  const NEXT: Record<JobStatus, readonly JobStatus[]> = {
    queued: ["queued", "running", "failed", "cancelled"],
    running: ["running", "queued", "completed", "failed", "cancelled"],
    completed: ["completed"],
    failed: ["failed"],
    cancelled: ["cancelled"],
  };

  it("a job's record stays valid after any events", () => {
    const job = { ...newJob, deadlineAt: NOW + 1_200_000 };
    fc.assert(
      fc.property(life, (events) => {
        let now = NOW;
        let record = { ...queued, deadlineAt: job.deadlineAt };
        for (const [event, passedMs] of events) {
          now += passedMs;
          const next = transition(record, event, now);
          if (!next.ok) continue;
          expectSound(record, event, next.record);
          record = next.record;
        }
        expect(jobRecordSchema.parse(record)).toEqual(record);
      }),
      { numRuns: 500 },
    );
  });

  function expectSound(before: JobRecord, event: JobEvent, record: JobRecord): void {
    expect(NEXT[before.status]).toContain(record.status);
    expect(record.attempt - before.attempt).toBe(event.type === "claim" && record.lease ? 1 : 0);
    expect(record.updatedAt).toBeGreaterThanOrEqual(before.updatedAt);
    expect(record.lease !== null).toBe(record.status === "running");
    expect(record.finishedAt !== null).toBe(isFinished(record));
    expect(record.events.slice(0, before.events.length)).toEqual(before.events);
    const last = record.events.filter(({ type }) => type === "video.completed" || type === "video.failed");
    expect(last).toHaveLength(isFinished(record) ? 1 : 0);
    if (last[0]) expect(last[0].type === "video.completed").toBe(record.status === "completed");
    expect(new Set(record.events.map(({ id }) => id)).size).toBe(record.events.length);
    expect(record.failures).toBeLessThanOrEqual(FAILURES_MAX);
    expect(record.losses).toBeLessThanOrEqual(LOSSES_MAX);
    if (record.failures > before.failures) expect(event.type).toBe("fail");
    if (record.losses > before.losses) expect(["claim", "lose", "abandon"]).toContain(event.type);
    if ("attempt" in event && record !== before && before.status === "running") {
      expect(event).toMatchObject({ owner: before.lease!.owner, attempt: before.attempt });
    }
    if (isFinished(before) && event.type !== "delete") expect(record).toBe(before);
  }
});
