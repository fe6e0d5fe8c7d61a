import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DELIVERY_WAIT_MS_MAX,
  type Delivery,
  hasDue,
  type JobRecord,
  nextDueAt,
  nextLookAt,
} from "../../../lib/service/jobs/index.ts";
import type { PostResult } from "../../../lib/service/net/index.ts";
import {
  dueReceivers,
  JITTER,
  planDeliveries,
  RETRY_AFTER_SECONDS_MAX,
  redeliver,
  replaceDelivery,
  TAKEN_MAX,
  takeDue,
  WAITS_SECONDS,
  withAttempt,
} from "../../../lib/service/webhooks/deliveries.ts";
import { later, NOW, outputs, queued, receipt } from "../jobs/sample-job.ts";

const holder = { owner: "worker", attempt: 1 };
const completed: JobRecord = later(
  queued,
  NOW + 1000,
  { type: "claim", owner: "worker", leaseMs: 60_000 },
  { type: "complete", outputs, receipt, ...holder },
);
const everything = {
  id: "we_1",
  url: "https://hooks.example/all",
  eventTypes: ["video.queued", "video.in_progress", "video.completed", "video.failed"] as const,
};

const answered = (status: number, retryAfterSeconds: number | null = null): PostResult => ({
  ok: true,
  status,
  retryAfterSeconds,
  milliseconds: 7,
});
const unanswered: PostResult = { ok: false, reason: "timeout", milliseconds: 15_000 };

const pending: Delivery = {
  target: "we_1",
  url: everything.url,
  state: "pending",
  attempts: [],
  scheduleFrom: 0,
  nextAt: NOW,
  takenUntil: null,
};

/** Repeats attempts with one result until the delivery is settled. `waits` are the seconds between them. */
function exhaust(result: PostResult, spread = 0.5): { waits: number[]; end: Delivery } {
  const waits: number[] = [];
  let delivery = pending;
  for (let now = NOW; delivery.state === "pending"; now = delivery.nextAt ?? now) {
    delivery = withAttempt(delivery, result, now, spread);
    if (delivery.nextAt !== null) waits.push((delivery.nextAt - now) / 1000);
  }
  return { waits, end: delivery };
}

describe("planning", () => {
  it("a plan tells endpoints the events they want, and the request's own address its own", () => {
    const events = planDeliveries(completed, [everything], NOW);
    const told = events.map(({ type, deliveries }) => [type, deliveries!.map(({ target }) => target)]);
    expect(told).toEqual([
      ["video.queued", ["we_1"]],
      ["video.in_progress", ["we_1"]],
      ["video.completed", ["we_1", "request"]],
    ]);
  });

  it("a plan is made once: planned events keep their targets and their bytes", () => {
    const events = planDeliveries(completed, [everything], NOW);
    expect(planDeliveries({ ...completed, events }, [], NOW + 1)).toBe(events);
  });

  it("a plan keeps no body of an event that nobody wants", () => {
    const [first] = planDeliveries({ ...completed, webhook: null }, [], NOW);
    expect(first).toMatchObject({ body: null, deliveries: [] });
  });

  it("a webhook body says what happened, without prompt and URLs", () => {
    const body = planDeliveries(completed, [everything], NOW).at(-1)!.body!;
    expect(JSON.parse(body)).toEqual({
      id: `evt_${completed.id.slice(6)}_completed`,
      object: "event",
      type: "video.completed",
      created_at: (NOW + 1000) / 1000,
      timestamp: new Date(NOW + 1000).toISOString(),
      data: {
        id: completed.id,
        object: "video",
        status: "completed",
        model: "demo",
        metadata: { order: "7" },
        error: null,
        compute: {
          steps: { requested: 8, computed: 4, reused: 4 },
          speedup: 1.8,
          seconds: receipt.seconds,
        },
      },
    });
    expect(body).not.toMatch(/red circle|https?:/);
  });

  it("a webhook body stays under the 20 kB that receivers expect, with the largest metadata", () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 16 }, (_, at) => [`${at}`.padEnd(64, "k"), "\u20ac".repeat(170)]),
    );
    const [first] = planDeliveries({ ...completed, metadata }, [everything], NOW);
    expect(Buffer.byteLength(first!.body!)).toBeLessThan(20_000);
  });

  it("a cancelled job is announced as a failed one", () => {
    const cancelled = later(queued, NOW, { type: "cancel" });
    const { type, body } = planDeliveries(cancelled, [everything], NOW).at(-1)!;
    expect(type).toBe("video.failed");
    expect(JSON.parse(body!).data).toMatchObject({ status: "failed", error: { code: "canceled" } });
  });
});

describe("an attempt", () => {
  it.each([200, 201, 204, 299])("an attempt answered with %i is delivered", (status) => {
    expect(withAttempt(pending, answered(status), NOW, 0)).toMatchObject({
      state: "delivered",
      nextAt: null,
      attempts: [{ at: NOW, status, reason: null, milliseconds: 7 }],
    });
  });

  it.each([301, 302, 307, 400, 404, 429, 500, 503])("an attempt answered with %i is retried", (status) => {
    expect(withAttempt(pending, answered(status), NOW, 0.5)).toMatchObject({
      state: "pending",
      nextAt: NOW + 5000,
      attempts: [{ status }],
    });
  });

  it("an attempt answered with 410 is the last", () => {
    expect(withAttempt(pending, answered(410), NOW, 0)).toMatchObject({ state: "disabled", nextAt: null });
  });

  it("an attempt without an answer says why, and is retried", () => {
    expect(withAttempt(pending, unanswered, NOW, 0.5)).toMatchObject({
      state: "pending",
      attempts: [{ status: null, reason: "timeout" }],
    });
  });

  it("retries follow the schedule of Standard Webhooks, about 75 hours, and then stop", () => {
    const { waits, end } = exhaust(answered(500));
    expect(waits).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    expect(end).toMatchObject({ state: "failed", nextAt: null });
    expect(end.attempts).toHaveLength(10);
  });

  it("a retry waits a random fifth less to a fifth more than planned", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (spread) => {
        const { nextAt } = withAttempt(pending, unanswered, NOW, spread);
        expect(nextAt! - NOW).toBeGreaterThanOrEqual(4000);
        expect(nextAt! - NOW).toBeLessThanOrEqual(6000);
      }),
    );
  });

  it("a retry waits as long as the receiver asks, a day at most, and never less than planned", () => {
    expect(withAttempt(pending, answered(503, 120), NOW, 0.5).nextAt).toBe(NOW + 120_000);
    expect(withAttempt(pending, answered(429, 9e9), NOW, 0.5).nextAt).toBe(NOW + 86_400_000);
    expect(withAttempt(pending, answered(503, 1), NOW, 0.5).nextAt).toBe(NOW + 5000);
  });
});

describe("what is due", () => {
  const events = planDeliveries(completed, [everything], NOW);
  const take = (from: JobRecord["events"], now: number) => takeDue(from, "hooks.example", now);

  it("a delivery is due when it is pending and its time has come", () => {
    expect(take(events, NOW - 1).taken).toEqual([]);
    expect(take(events, NOW).taken).toHaveLength(3);
    expect(nextDueAt({ events })).toBe(NOW);
    expect([hasDue({ events }, NOW - 1), hasDue({ events }, NOW)]).toEqual([false, true]);
  });

  it("the receivers of due deliveries are named once each, by host and port", () => {
    const targets = ["https://a.example/1", "https://a.example/2", "https://a.example:444/"];
    const many = planDeliveries(
      completed,
      targets.map((url, index) => ({ ...everything, id: `we_${index}`, url })),
      NOW,
    );
    expect(dueReceivers(many, NOW)).toEqual(["a.example", "a.example:444", "acme.example"]);
    expect(dueReceivers(many, NOW - 1)).toEqual([]);
  });

  it("a due delivery is taken once, by receiver, and is due again a minute later", () => {
    const first = take(events, NOW);
    expect(first.taken.map(({ delivery }) => delivery.takenUntil)).toEqual(Array(3).fill(NOW + 60_000));
    expect(dueReceivers(first.events, NOW)).toEqual(["acme.example"]);
    expect(take(first.events, NOW + 59_999)).toEqual({ events: first.events, taken: [] });
    expect(take(first.events, NOW + 60_000).taken).toHaveLength(3);
    expect(nextDueAt({ events: first.events })).toBe(NOW);
    expect(nextLookAt({ events: first.events }, NOW)).toBe(NOW + 60_000);
  });

  it("a sender takes a few deliveries at most, and leaves the others due", () => {
    const targets = Array.from({ length: 20 }, (_, index) => ({ ...everything, id: `we_${index}` }));
    const many = planDeliveries({ ...completed, webhook: null }, targets, NOW);
    let left = many;
    for (let at = 60; at > 0; at -= TAKEN_MAX) {
      const { events: later, taken } = take(left, NOW);
      expect(taken).toHaveLength(Math.min(at, TAKEN_MAX));
      left = later;
    }
    expect(take(left, NOW).taken).toEqual([]);
  });

  it("a delivery is due, and a lease over, if a clock that was set back since decided its time", () => {
    const [event] = events.slice(-1) as [JobRecord["events"][number]];
    const at = (changes: Partial<Delivery>) => [{ ...event, deliveries: [{ ...pending, ...changes }] }];
    const isTaken = (changes: Partial<Delivery>) => take(at(changes), NOW).taken.length > 0;
    expect([isTaken({ nextAt: NOW + 5_000 }), isTaken({ nextAt: NOW + 5_001 })]).toEqual([false, true]);
    const tried = (when: number) => withAttempt(pending, answered(503, 3600), when, 0.5);
    expect([isTaken(tried(NOW)), isTaken(tried(NOW + 3_600_000))]).toEqual([false, true]);
    const until = (takenUntil: number) => isTaken({ takenUntil });
    expect([until(NOW + 65_000), until(NOW + 65_001)]).toEqual([false, true]);
  });

  it("a wait is never longer than markers are looked for", () => {
    const waitSeconds = Math.max(...WAITS_SECONDS) * (1 + JITTER);
    expect(DELIVERY_WAIT_MS_MAX).toBeGreaterThan(1000 * Math.max(waitSeconds, RETRY_AFTER_SECONDS_MAX));
  });

  it("no delivery is due before it was planned, and nothing changes then", () => {
    expect(take(completed.events, NOW + 1e9).events).toBe(completed.events);
    expect(hasDue(completed, NOW)).toBe(true);
  });

  it("no delivery is due once all are settled", () => {
    const settled = events.map((event) => ({
      ...event,
      deliveries: event.deliveries!.map((delivery) => withAttempt(delivery, answered(200), NOW, 0)),
    }));
    expect(nextDueAt({ events: settled })).toBeNull();
  });
});

describe("a redelivery", () => {
  const delivered: JobRecord = {
    ...completed,
    events: planDeliveries(completed, [everything], NOW).map((event) => ({
      ...event,
      deliveries: event.deliveries!.map((delivery) => withAttempt(delivery, answered(500), NOW, 0)),
    })),
  };
  const eventId = delivered.events.at(-1)!.id;

  it("a redelivery restarts the schedule, after the old attempts, with the old bytes", () => {
    const events = redeliver(delivered, eventId, NOW + 9)!;
    const [event] = events.slice(-1);
    expect(event!.body).toBe(delivered.events.at(-1)!.body);
    expect(event!.deliveries).toMatchObject([
      { state: "pending", nextAt: NOW + 9, scheduleFrom: 1, attempts: [{ status: 500 }] },
      { state: "pending", nextAt: NOW + 9 },
    ]);
    const again = withAttempt(event!.deliveries![0]!, answered(500), NOW + 9, 0.5);
    expect(again.nextAt).toBe(NOW + 9 + 5000);
    expect(events.slice(0, -1)).toEqual(delivered.events.slice(0, -1));
  });

  it("a redelivery without an event id means all events", () => {
    const states = redeliver(delivered, null, NOW)!.flatMap(({ deliveries }) => deliveries!);
    expect(states.every(({ nextAt }) => nextAt === NOW)).toBe(true);
  });

  it("a redelivery puts nothing off that is due already", () => {
    const events = planDeliveries(completed, [everything], NOW);
    expect(nextDueAt({ events: redeliver({ ...completed, events }, null, NOW + 9)! })).toBe(NOW);
  });

  it("a redelivery of an event that nobody was told of looks for targets again", () => {
    const untold = { ...completed, webhook: null };
    const events = redeliver({ ...untold, events: planDeliveries(untold, [], NOW) }, null, NOW)!;
    expect(events.every(({ deliveries }) => deliveries === null)).toBe(true);
  });

  it("a redelivery of an unknown event is refused", () => {
    expect(redeliver(delivered, "evt_unknown", NOW)).toBeNull();
  });

  it("repeated redeliveries keep the log short", () => {
    let record = delivered;
    for (let round = 0; round < 50; round++) {
      const events = redeliver(record, eventId, NOW)!;
      const key = { eventId, target: "we_1" };
      record = {
        ...record,
        events: replaceDelivery(events, key, (each) => withAttempt(each, unanswered, NOW, 0)),
      };
    }
    expect(record.events.at(-1)!.deliveries![0]!.attempts.length).toBeLessThanOrEqual(21);
  });
});
