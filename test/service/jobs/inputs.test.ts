import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { NewInput } from "../../../lib/service/jobs/index.ts";
import { type ObjectStore, StoreError } from "../../../lib/service/storage/index.ts";
import { dyingAt, intercepted, losingAnswers } from "./failing-store.ts";
import { type Opened, openJobs } from "./open-jobs.ts";
import { forgotten, newJob } from "./sample-job.ts";

const MINUTE_MS = 60_000;

function picture(text: string): NewInput {
  const body = new TextEncoder().encode(text);
  const sha256 = createHash("sha256").update(body).digest("hex");
  return { body, sha256, contentType: "image/png", width: 32, height: 24 };
}

const two = async () => ({ input_reference: picture("first"), last_image: picture("last") });
const claim = { scope: "5c0", fingerprint: "f1", lifetimeMs: 86_400_000, isFirst: false };

let opened: Opened;
beforeEach(() => {
  opened = openJobs();
});

const keys = (prefix = "") => [...opened.store.objects.keys()].filter((key) => key.startsWith(prefix));

/** Expects that the job exists, and that every picture it names is stored as it was given. */
async function expectWhole(): Promise<void> {
  const record = await opened.jobs.read(newJob);
  expect(Object.keys(record!.inputs)).toEqual(["input_reference", "last_image"]);
  for (const [name, { body, ...input }] of Object.entries(await two())) {
    const { key, bytes, ...described } = record!.inputs[name]!;
    expect(described).toEqual(input);
    expect(bytes).toBe(body.length);
    expect(opened.store.objects.get(key)?.body).toEqual(body);
  }
}

describe("a job with pictures", () => {
  it("a record names the pictures, which are stored before it and before the job's hint", async () => {
    const written: string[] = [];
    const jobs = opened.through({
      ...opened.store,
      async put(key, ...rest) {
        written.push(key.split("/")[0]!);
        return opened.store.put(key, ...rest);
      },
    });
    expect(await jobs.create(newJob, { unfinishedMax: 10, inputs: two })).toMatchObject({
      outcome: "created",
    });
    await expectWhole();
    expect(written).toEqual(["unfinished", "inputs", "inputs", "jobs", "unfinished"]);
    expect(keys("inputs/").every((key) => key.startsWith(`inputs/acme/${newJob.id}/`))).toBe(true);
  });

  it("a job without pictures has none, and stores none", async () => {
    await opened.jobs.create(newJob, { unfinishedMax: 10 });
    expect((await opened.jobs.read(newJob))!.inputs).toEqual({});
    expect(keys("inputs/")).toEqual([]);
  });

  it("a repetition of the request reads and stores no pictures", async () => {
    await opened.jobs.create(newJob, { unfinishedMax: 10, inputs: two, claim });
    const before = keys();
    const inputs = () => Promise.reject(new Error("it was read again"));
    const again = { ...newJob, id: `${newJob.id.slice(0, -1)}1` };
    expect(await opened.jobs.create(again, { unfinishedMax: 10, inputs, claim })).toMatchObject({
      outcome: "replayed",
    });
    expect(keys()).toEqual(before);
  });

  it("pictures that cannot be read fail the creation and leave neither job nor marker", async () => {
    const inputs = () => Promise.reject(new Error("no picture"));
    await expect(opened.jobs.create(newJob, { unfinishedMax: 10, inputs })).rejects.toThrow("no picture");
    expect(keys()).toEqual([]);
  });

  it("a full queue reads no pictures", async () => {
    const inputs = () => Promise.reject(new Error("it was read"));
    await opened.jobs.create(newJob, { unfinishedMax: 1 });
    const other = { ...newJob, id: `${newJob.id.slice(0, -1)}1` };
    expect(await opened.jobs.create(other, { unfinishedMax: 1, inputs })).toEqual({ outcome: "queue_full" });
  });

  it("one of two concurrent creations wins, and nothing of the other's pictures is left", async () => {
    const create = () => opened.jobs.create(newJob, { unfinishedMax: 10, inputs: two });
    const outcomes = (await Promise.all([create(), create()])).map(({ outcome }) => outcome);
    expect(outcomes.toSorted()).toEqual(["created", "replayed"]);
    await expectWhole();
    expect(keys("inputs/")).toHaveLength(2);
  });

  it("lost answers to any of the writes lose no picture", async () => {
    for (const times of [1, 2, 3]) {
      opened = openJobs();
      const jobs = opened.through(losingAnswers(opened.store, times));
      const create = () => jobs.create(newJob, { unfinishedMax: 10, inputs: two, claim });
      for (let tries = 0; tries < 6; tries += 1) if ((await create().catch(() => null)) !== null) break;
      await expectWhole();
    }
  });
});

describe("a process that dies while it creates a job with pictures", () => {
  const places = Array.from({ length: 14 }, (_, index) => [index + 1, index % 2 === 0] as const);

  it.each(places)(
    "the request can be repeated after a death at operation %d (done: %s)",
    async (operations, isDone) => {
      const dying = opened.through(dyingAt(opened.store, operations, isDone));
      await dying.create(newJob, { unfinishedMax: 10, inputs: two, claim }).catch(() => undefined);
      await opened.jobs.create(newJob, { unfinishedMax: 10, inputs: two, claim });
      await expectWhole();
    },
  );

  it.each(places)(
    "the sweep leaves a whole job or nothing after a death at operation %d (done: %s)",
    async (...place) => {
      const dying = opened.through(dyingAt(opened.store, ...place));
      await dying.create(newJob, { unfinishedMax: 10, inputs: two }).catch(() => undefined);
      opened.pass(11 * MINUTE_MS);
      await opened.jobs.forgetAbandoned(newJob);
      if (await opened.jobs.read(newJob)) await expectWhole();
      else expect(keys()).toEqual([]);
    },
  );
});

describe("a creation that is suspended", () => {
  /** Lets time pass and the sweep look at the job once, before or after the first operation that matches. */
  function suspendedAt(store: ObjectStore, folder: string, when: "before" | "after"): ObjectStore {
    let isOver = false;
    const suspend = async () => {
      isOver = true;
      opened.pass(11 * MINUTE_MS);
      await opened.jobs.forgetAbandoned(newJob);
    };
    return intercepted(store, async (name, key, operation) => {
      const isHere = !isOver && name === "put" && key.startsWith(folder);
      if (isHere && when === "before") await suspend();
      const answer = await operation();
      if (isHere && when === "after") await suspend();
      return answer;
    });
  }

  it.each(
    ["unfinished/", "inputs/", "jobs/"].flatMap((folder) =>
      (["before", "after"] as const).map((when) => [when, folder] as const),
    ),
  )(
    "the sweep takes no picture from a job whose creation was suspended %s its write to %s",
    async (when, folder) => {
      const jobs = opened.through(suspendedAt(opened.store, folder, when));
      await jobs.create(newJob, { unfinishedMax: 10, inputs: two });
      await expectWhole();
      expect(keys("unfinished/")).toHaveLength(1);
    },
  );
});

it("a young creation keeps its pictures in a sweep", async () => {
  const dying = opened.through(dyingAt(opened.store, 4, true));
  await dying.create(newJob, { unfinishedMax: 10, inputs: two }).catch(() => undefined);
  const before = keys();
  expect(before.some((key) => key.startsWith("inputs/"))).toBe(true);
  opened.pass(9 * MINUTE_MS);
  expect(await opened.jobs.forgetAbandoned(newJob)).toBe(false);
  expect(keys()).toEqual(before);
});

it.each(["inputs/", "jobs/"])(
  "a disk that is full at %s is left without marker and pictures",
  async (folder) => {
    let writes = 0;
    const full = opened.through({
      ...opened.store,
      async put(key, ...rest) {
        if (key.startsWith(folder) && (folder === "jobs/" || writes++ > 0))
          throw new StoreError("full", "The disk is full.");
        return opened.store.put(key, ...rest);
      },
    });
    await expect(full.create(newJob, { unfinishedMax: 1, inputs: two })).rejects.toThrow("The disk is full.");
    expect(keys()).toEqual([]);
  },
);

describe("a deletion", () => {
  it("a deleted job has no pictures left, and neither have its record and receipt", async () => {
    await opened.jobs.create(newJob, { unfinishedMax: 10, inputs: two });
    await opened.jobs.apply(newJob, { type: "cancel" });
    await opened.jobs.apply(newJob, { type: "delete", params: forgotten });
    await opened.jobs.deleteFiles(newJob);
    expect((await opened.jobs.read(newJob))!.inputs).toEqual({});
    expect(keys("inputs/")).toEqual([]);
  });

  it("a damaged job is deleted with its pictures", async () => {
    await opened.jobs.create(newJob, { unfinishedMax: 10, inputs: two });
    await opened.jobs.deleteDamaged(newJob);
    expect(keys()).toEqual([]);
  });

  it("a purge deletes old pictures with their job and those without one, and no others", async () => {
    const [tenant, strays] = ["acme", `inputs/acme/${newJob.id.slice(0, -1)}7/0/input_reference`];
    await opened.store.put(strays, new Uint8Array(1));
    await opened.store.put(strays.replace("/acme/", "/acme2/"), new Uint8Array(1));
    await opened.jobs.create(newJob, { unfinishedMax: 10, inputs: two });
    const waiting = { ...newJob, id: `${newJob.id.slice(0, -1)}1` };
    await opened.jobs.create(waiting, { unfinishedMax: 10, inputs: two });
    await opened.jobs.apply(newJob, { type: "cancel" });
    await opened.jobs.purge(tenant, newJob.createdAt - 1000);
    expect(keys("inputs/acme/")).toHaveLength(5);
    await opened.jobs.purge(tenant, newJob.createdAt + 1);
    const left = keys("inputs/");
    expect(left).toHaveLength(3);
    expect(left.filter((key) => key.startsWith(`inputs/acme/${waiting.id}/`))).toHaveLength(2);
  });
});
