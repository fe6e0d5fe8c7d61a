import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fairTurns,
  inTurnOrder,
  type JobRecord,
  type JobRef,
  newVideoId,
  type UnfinishedRef,
} from "../../../lib/service/jobs/index.ts";
import { jobKey } from "../../../lib/service/jobs/object-keys.ts";
import { type ObjectStore, StoreError } from "../../../lib/service/storage/index.ts";
import { openJobs } from "./open-jobs.ts";
import { newJob } from "./sample-job.ts";

/** Tenants and keys whose names begin like others, or have a dash, which sorts before the slash. */
const TENANTS = ["a", "a-b", "a0", "ab", "z"];
const KEYS = ["k", "k0", "kk"];

const claim = { type: "claim", owner: "another", leaseMs: 60_000 } as const;
const cancel = { type: "cancel" } as const;

/** Opens jobs, and a worker that takes turns without running anything. */
function open(models = ["demo"]) {
  const opened = openJobs();
  const { jobs, clock } = opened;
  let count = 0;
  const lists = { count: 0 };
  const store: Pick<ObjectStore, "list"> = {
    list(...args) {
      lists.count += 1;
      return opened.store.list(...args);
    },
  };
  const turnsOf = () =>
    fairTurns({ store, jobs, clock, canRun: ({ params }) => models.includes(params.model) });
  return {
    ...opened,
    lists,
    turnsOf,
    async add(tenant: string, keyId = "k", model = "demo"): Promise<JobRecord> {
      count += 1;
      const noise = count;
      const id = newVideoId(clock, (bytes) => {
        const random = new Uint8Array(bytes);
        new DataView(random.buffer).setUint32(bytes - 4, noise);
        return random;
      });
      const job = {
        ...newJob,
        tenant,
        keyId,
        id,
        createdAt: clock.now(),
        params: { ...newJob.params, model },
      };
      await jobs.create(job, { unfinishedMax: 1000 });
      return (await jobs.read(job))!;
    },
    /** Takes one turn in the invocation of a job: the job that is offered first ends. */
    async turn(turns: ReturnType<typeof fairTurns>, named: JobRef): Promise<JobRecord | null> {
      for await (const next of turns.next(await jobs.read(named))) {
        await jobs.apply(next, cancel);
        return next;
      }
      return null;
    },
    async offered(turns: ReturnType<typeof fairTurns>, named: JobRef | null): Promise<string[]> {
      const ids: string[] = [];
      for await (const { id } of turns.next(named && (await jobs.read(named)))) ids.push(id);
      return ids;
    },
  };
}

const backlogs = fc.array(fc.tuple(fc.constantFrom(...TENANTS), fc.constantFrom(...KEYS)), {
  minLength: 1,
  maxLength: 40,
});

const who = ({ tenant }: UnfinishedRef) => tenant;
const whose = ({ tenant, keyId }: UnfinishedRef) => `${tenant}/${keyId}`;

/** Checks that between two turns of a group every other group that waits gets one. */
function expectFair<Job>(taken: readonly Job[], groupOf: (job: Job) => string): void {
  const groups = taken.map(groupOf);
  for (const [from, group] of groups.entries()) {
    const to = groups.indexOf(group, from + 1);
    if (to < 0) continue;
    const waiting = new Set(groups.slice(from + 1).filter((other) => other !== group));
    expect(new Set(groups.slice(from + 1, to)), `${groups.join(" ")} after ${from}`).toEqual(waiting);
  }
}

describe("a turn", () => {
  it("turns go round among tenants, and among the keys of each, so that all jobs run and nobody starves", async () => {
    await fc.assert(
      fc.asyncProperty(backlogs, async (backlog) => {
        const { add, turn, turnsOf } = open();
        const added: JobRecord[] = [];
        for (const [tenant, keyId] of backlog) added.push(await add(tenant, keyId));
        const turns = turnsOf();
        const taken: JobRecord[] = [];
        for (const named of added) taken.push((await turn(turns, named))!);
        expect(taken.map(({ id }) => id).sort()).toEqual(added.map(({ id }) => id));
        // The first turn is that of the job that its invocation names.
        expect(taken[0]!.id).toBe(added[0]!.id);
        expectFair(taken, who);
        for (const tenant of TENANTS)
          expectFair(
            taken.filter((job) => job.tenant === tenant),
            whose,
          );
        for (const group of new Set(taken.map(whose))) {
          const ids = taken.filter((job) => whose(job) === group).map(({ id }) => id);
          expect(ids).toEqual(ids.toSorted());
        }
      }),
      { numRuns: 60 },
    );
  });

  it("a tenant that comes while another has a hundred jobs has the next turn", async () => {
    const { add, turn, turnsOf } = open();
    const first = await add("a");
    for (let count = 1; count < 100; count += 1) await add("a");
    const turns = turnsOf();
    await turn(turns, first);
    const other = await add("z");
    expect((await turn(turns, first))!.id).toBe(other.id);
    expect(who((await turn(turns, first))!)).toBe("a");
  });

  it("a turn costs a handful of short listings, however long the queue is", async () => {
    const { add, turn, turnsOf, lists } = open();
    const first = await add("a");
    for (let count = 1; count < 200; count += 1) await add(TENANTS[count % 5]!);
    const turns = turnsOf();
    lists.count = 0;
    for (let count = 0; count < 20; count += 1) await turn(turns, first);
    expect(lists.count).toBeLessThanOrEqual(20 * 5);
  });

  it("every job that waits is offered once, in case others claim those before it", async () => {
    const { add, offered, turnsOf } = open();
    const added: string[] = [];
    for (const tenant of TENANTS) for (const keyId of KEYS) added.push((await add(tenant, keyId)).id);
    const turns = turnsOf();
    expect((await offered(turns, null)).sort()).toEqual(added);
    expect((await offered(turns, null)).sort()).toEqual(added);
  });

  it("jobs that run, are over, are damaged or need another model are passed over", async () => {
    const { add, jobs, offered, store, turnsOf } = open();
    const [running, over, damaged] = [await add("a"), await add("a"), await add("a")];
    await add("a", "k", "other");
    const waiting = await add("a");
    await jobs.apply(running, claim);
    await jobs.apply(over, cancel);
    await store.put(jobKey(damaged), new TextEncoder().encode("{}"));
    expect(await offered(turnsOf(), null)).toEqual([waiting.id]);
  });

  it("the named job comes first if its model is missing, since only its own invocation can end it", async () => {
    const { add, offered, turnsOf } = open();
    const [waiting, strange] = [await add("a"), await add("a", "k", "other")];
    const turns = turnsOf();
    expect(await offered(turns, waiting)).toEqual([waiting.id, waiting.id]);
    expect(await offered(turns, strange)).toEqual([strange.id, waiting.id]);
  });

  it("the named job comes first if a clock created it ahead of time, behind all others of its key", async () => {
    const { add, offered, turnsOf, pass } = open();
    const early = await add("a");
    pass(3_600_000);
    const ahead = await add("a");
    pass(-3_600_000);
    const turns = turnsOf();
    await offered(turns, early);
    expect((await offered(turns, ahead))[0]).toBe(ahead.id);
    expect((await offered(turns, early))[0]).toBe(early.id);
  });

  it("a named job that is over or missing leaves its turn to the others", async () => {
    const { add, jobs, offered, turnsOf } = open();
    const [over, waiting] = [await add("a"), await add("z")];
    await jobs.apply(over, cancel);
    for (const named of [over, null]) expect(await offered(turnsOf(), named)).toEqual([waiting.id]);
  });

  it("a turn ends with the error of a store that does not answer", async () => {
    const { jobs, clock } = open();
    const list = () => Promise.reject(new StoreError("unavailable", "The store does not answer."));
    const turns = fairTurns({ store: { list }, jobs, clock, canRun: () => true });
    await expect(turns.next(null).next()).rejects.toThrow(StoreError);
  });
});

describe("the order of turns", () => {
  const jobsOf = (backlog: readonly (readonly [string, string])[]) =>
    backlog.map(([tenant, keyId], index) => ({
      tenant,
      keyId,
      id: `video_${String(index).padStart(3, "0")}`,
    }));

  it("the order of turns of one key is that of creation", () => {
    const jobs = jobsOf(Array.from({ length: 9 }, () => ["a", "k"] as const));
    expect(inTurnOrder(jobs.toReversed())).toEqual(jobs);
  });

  it("the order of turns has the only job of a tenant right after the first one of another", () => {
    const jobs = jobsOf([...Array.from({ length: 9 }, () => ["a", "k"] as const), ["z", "k"]]);
    expect(inTurnOrder(jobs).findIndex(({ tenant }) => tenant === "z")).toBe(1);
  });

  it("the order of turns is fair to tenants, and to the keys of each", () => {
    fc.assert(
      fc.property(backlogs, (backlog) => {
        const jobs = jobsOf(backlog);
        const order = inTurnOrder(jobs);
        expect(order.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(jobs);
        for (const group of new Set(order.map(whose))) {
          const ids = order.filter((job) => whose(job) === group).map(({ id }) => id);
          expect(ids).toEqual(ids.toSorted());
        }
        const counts = new Map<string, number>();
        for (const [index, { tenant }] of order.entries()) {
          counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
          const waiting = new Set(order.slice(index + 1).map(who));
          const fewest = Math.min(...[...waiting].map((name) => counts.get(name) ?? 0));
          expect(fewest).toBeGreaterThanOrEqual(Math.max(...counts.values()) - 1);
        }
      }),
    );
  });
});
