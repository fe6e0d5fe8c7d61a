import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Backend } from "../../../lib/service/backends/index.ts";
import { isFinished, type JobRecord, type JobRef } from "../../../lib/service/jobs/index.ts";
import { MessageError } from "../../../lib/service/queue/index.ts";
import { openJobs } from "../jobs/open-jobs.ts";
import { later, NOW, queued } from "../jobs/sample-job.ts";

/** Backend under test, and how the test observes it. */
export interface Subject {
  readonly backend: Backend;
  /** Returns the jobs that the backend has accepted so far. */
  taken(): Promise<readonly JobRef[]>;
  /** Returns the message that a run has ended or failed; null if the backend sends no messages. */
  readonly endMessage: ((record: JobRecord, isFailed: boolean) => Promise<string>) | null;
  /** Makes the backend refuse every submission from now on; null if it refuses none. */
  readonly refuse: (() => void) | null;
}

/** Contract of every backend: the promises of the port's docstrings. */
export function describeBackend(name: string, open: () => Subject): void {
  describe(`the contract of a backend, kept by ${name}`, () => {
    const ref = { tenant: queued.tenant, id: queued.id };

    it("its queue has a name that a record can hold, and times that are no less than zero", async () => {
      const { backend } = open();
      const { jobs } = openJobs();
      await jobs.create(queued, { unfinishedMax: 1 });
      await jobs.apply(queued, { type: "dispatch", to: backend.name });
      expect((await jobs.read(queued))!.dispatched!.to).toBe(backend.name);
      expect(Math.min(backend.believedMs, backend.pauseMs)).toBeGreaterThanOrEqual(0);
    });

    it("a submitted job is taken under its tenant and its id", async () => {
      const { backend, taken } = open();
      await backend.submit(queued);
      expect(await taken()).toEqual([ref]);
    });

    it("a job that is submitted twice does no harm", async () => {
      const { backend, taken } = open();
      await backend.submit(queued);
      await expect(backend.submit(queued)).resolves.toBeUndefined();
      expect(new Set((await taken()).map(({ id }) => id))).toEqual(new Set([queued.id]));
    });

    it("a job that ended before it was submitted is taken like any other", async () => {
      const { backend } = open();
      const over = later(queued, NOW, { type: "cancel" });
      expect(isFinished(over)).toBe(true);
      await expect(backend.submit(over)).resolves.toBeUndefined();
    });

    it("a backend that refuses a job rejects, and takes nothing", async () => {
      const { backend, taken, refuse } = open();
      if (!refuse) return;
      refuse();
      await expect(backend.submit(queued)).rejects.toThrow(Error);
      expect(await taken()).toEqual([]);
    });

    it("its messages name the job, and say why a run failed", async () => {
      const { backend, endMessage } = open();
      if (!endMessage) return;
      expect(backend.outcomeOf(await endMessage(queued, false))).toEqual({ ref, failure: null });
      const failed = backend.outcomeOf(await endMessage(queued, true));
      expect(failed).toEqual({ ref, failure: expect.stringMatching(/./) });
    });

    it("every message of somebody else is refused", () => {
      const { backend } = open();
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.json()), (message) => {
          expect(() => backend.outcomeOf(message)).toThrow(MessageError);
        }),
      );
    });

    it("the number of jobs that wait is known, or nobody can be asked", async () => {
      const { backend } = open();
      const before = await backend.waiting();
      await backend.submit(queued);
      const after = await backend.waiting();
      expect([before, after]).toEqual(before === null ? [null, null] : [0, 1]);
    });
  });
}
