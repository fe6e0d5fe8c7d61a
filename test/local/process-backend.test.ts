import { expect, it } from "vitest";
import { processBackend } from "../../functions/local/process-backend.ts";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import { eventually } from "../eventually.ts";
import { queued } from "../service/jobs/sample-job.ts";

const jobs = [1, 2, 3].map((number) => ({ ...queued, id: `${queued.id.slice(0, -1)}${number}` }));

/** Makes GPU processes whose answers the test gives. */
function setUp(workers = 1) {
  const invoked: string[] = [];
  const answers: { resolve: (status: number) => void; reject: (error: Error) => void }[] = [];
  const ends: { id: string; failure: string | null }[] = [];
  const gpus = Array.from({ length: workers }, () => ({
    isListening: true,
    fault: null as string | null,
    invoke({ id }: JobRef) {
      invoked.push(id);
      return new Promise<number>((resolve, reject) => {
        answers.push({ resolve, reject });
      });
    },
  }));
  const backend = processBackend({
    gpus,
    onEnd: async (message) => {
      const { ref, failure } = backend.outcomeOf(message);
      ends.push({ id: ref.id, failure });
    },
  });
  return { backend, gpus, invoked, answers, ends };
}

it("jobs run one after the other, in the order in which they were submitted, and each is there once", async () => {
  const { backend, invoked, answers, ends } = setUp();
  for (const job of [...jobs, ...jobs]) await backend.submit(job);
  expect(invoked).toEqual([jobs[0]!.id]);
  expect(await backend.waiting()).toBe(3);
  for (const [index, { id }] of jobs.entries()) {
    await eventually(() => expect(invoked[index]).toBe(id));
    answers[index]!.resolve(200);
  }
  await eventually(() => expect(ends).toEqual(jobs.map(({ id }) => ({ id, failure: null }))));
  expect(await backend.waiting()).toBe(0);
});

it("a refusal of the worker and the death of its process are failures that say why", async () => {
  const { backend, answers, ends } = setUp();
  for (const job of jobs) await backend.submit(job);
  answers[0]!.resolve(503);
  await eventually(() => expect(answers).toHaveLength(2));
  answers[1]!.reject(new Error("socket hang up"));
  await eventually(() => expect(ends).toHaveLength(2));
  expect(ends.map(({ failure }) => failure)).toEqual([
    "The GPU function answered 503.",
    "Error: socket hang up",
  ]);
});

it("a job can be submitted again once its run has ended", async () => {
  const { backend, invoked, answers, ends } = setUp();
  await backend.submit(jobs[0]!);
  answers[0]!.resolve(200);
  await eventually(() => expect(ends).toHaveLength(1));
  await backend.submit(jobs[0]!);
  expect(invoked).toHaveLength(2);
});

it("a closed backend begins no more jobs, and waits until the end of the one that runs has been told", async () => {
  const { backend, invoked, answers, ends } = setUp();
  for (const job of jobs.slice(0, 2)) await backend.submit(job);
  const closed = backend.close().then(() => expect(ends).toHaveLength(1));
  answers[0]!.resolve(200);
  await closed;
  await backend.submit(jobs[2]!);
  expect(invoked).toEqual([jobs[0]!.id]);
});

it("a free worker takes the next job, and no worker has two", async () => {
  const { backend, invoked, answers, ends } = setUp(2);
  for (const job of jobs) await backend.submit(job);
  expect(invoked).toEqual([jobs[0]!.id, jobs[1]!.id]);
  answers[1]!.resolve(200);
  await eventually(() => expect(invoked).toEqual(jobs.map(({ id }) => id)));
  expect(ends).toEqual([{ id: jobs[1]!.id, failure: null }]);
  const closed = backend.close();
  answers[0]!.resolve(200);
  answers[2]!.resolve(200);
  await closed;
  expect(ends).toHaveLength(3);
});

it("a worker that does not listen is passed over, and gets what waits once it listens again", async () => {
  const { backend, gpus, invoked } = setUp(2);
  for (const gpu of gpus) gpu.isListening = false;
  for (const job of jobs) await backend.submit(job);
  expect(invoked).toEqual([]);
  gpus[1]!.isListening = true;
  backend.wake();
  expect(invoked).toEqual([jobs[0]!.id]);
  gpus[0]!.isListening = true;
  backend.wake();
  expect(invoked).toEqual([jobs[0]!.id, jobs[1]!.id]);
});

it("a service without workers keeps no job waiting, since workers elsewhere look for it", async () => {
  const { backend } = setUp(0);
  for (const job of jobs) await backend.submit(job);
  expect(await backend.waiting()).toBe(0);
});

it("a worker at fault gets a job only while no other one is free", async () => {
  const { backend, gpus, answers } = setUp(2);
  const taken: string[] = [];
  for (const [index, gpu] of gpus.entries()) {
    const { invoke } = gpu;
    gpu.invoke = (ref) => {
      taken.push(`${ref.id.slice(-1)} by ${index}`);
      return invoke(ref);
    };
  }
  gpus[0]!.fault = "The GPU of this machine does not work.";
  for (const job of jobs) await backend.submit(job);
  expect(taken).toEqual(["1 by 1", "2 by 0"]);
  answers[0]!.resolve(200);
  await eventually(() => expect(taken).toEqual(["1 by 1", "2 by 0", "3 by 1"]));
});
