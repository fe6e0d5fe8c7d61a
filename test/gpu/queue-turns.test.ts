import { SQSClient } from "@aws-sdk/client-sqs";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { queueTurns } from "../../functions/gpu/queue-turns.ts";
import { runsQueueBackend } from "../../lib/service/backends/index.ts";
import { hintBody, MessageError } from "../../lib/service/queue/index.ts";
import { type AwsServer, startAwsServer } from "../cloud/aws-server.ts";
import { MessageQueue } from "../cloud/message-queue.ts";
import { eventually } from "../eventually.ts";
import { openJobs } from "../service/jobs/open-jobs.ts";
import { queued } from "../service/jobs/sample-job.ts";

const log = pino({ level: "silent" });
const ref = { tenant: queued.tenant, id: queued.id };
const HIDDEN_SECONDS = 2;

let aws: AwsServer;
let runs: MessageQueue;
let client: SQSClient;
let signal: AbortController;
let answers: number;

const onAnswer = () => {
  answers += 1;
};

beforeEach(async () => {
  runs = new MessageQueue({ name: "runs", clock: Date });
  aws = await startAwsServer({ queues: { runs } });
  const credentials = { accessKeyId: "gpu", secretAccessKey: "stub" };
  client = new SQSClient({ endpoint: aws.url, region: "us-east-1", credentials });
  signal = new AbortController();
  answers = 0;
});
afterEach(async () => {
  client.destroy();
  await aws.close();
});

async function open() {
  const { jobs, clock } = openJobs();
  await jobs.create(queued, { unfinishedMax: 1 });
  const url = aws.queueUrl("runs");
  const backend = runsQueueBackend({ client, url });
  const turns = queueTurns({ client, url, jobs, clock, log, hiddenSeconds: HIDDEN_SECONDS });
  return { jobs, backend, next: async () => (await turns.next(signal.signal, onAnswer))! };
}

/** Lets the job run and end, so that it is queued no longer. */
async function finish(jobs: Awaited<ReturnType<typeof open>>["jobs"]) {
  await jobs.apply(ref, { type: "cancel" });
}

describe("a turn that is pulled from a queue", () => {
  it("a turn names the job that was submitted, whose message is deleted when it has ended", async () => {
    const { jobs, backend, next } = await open();
    await backend.submit(queued);
    const turn = await next();
    expect([turn.named, answers]).toMatchObject([ref, 1]);
    expect(await backend.waiting()).toBe(1);
    await finish(jobs);
    await turn.taken({ outcome: "ran", record: queued });
    expect([await backend.waiting(), runs.sent]).toEqual([0, [hintBody(ref)]]);
  });

  it("a job whose turn went to another one is submitted again, and noted, before its message is deleted", async () => {
    const { jobs, backend, next } = await open();
    await backend.submit(queued);
    const turn = await next();
    await turn.taken({ outcome: "ran", record: queued });
    expect([await backend.waiting(), runs.sent]).toEqual([1, [hintBody(ref), hintBody(ref)]]);
    expect((await jobs.read(ref))!.dispatched!.to).toBe("runs");
    expect((await next()).named).toMatchObject(ref);
  });

  it("a note that is still true is not written again", async () => {
    const { jobs, backend, next } = await open();
    await jobs.apply(ref, { type: "dispatch", to: backend.name });
    const before = await jobs.read(ref);
    await backend.submit(queued);
    await (await next()).taken({ outcome: "ran", record: queued });
    expect(await jobs.read(ref)).toEqual(before);
  });

  it.each(["busy", "stopping"] as const)(
    "a worker that is %s leaves the turn to others at once",
    async (outcome) => {
      const { backend, next } = await open();
      await backend.submit(queued);
      await (await next()).taken({ outcome });
      expect((await next()).named).toMatchObject(ref);
      expect(runs.sent).toHaveLength(1);
    },
  );

  it("a turn that is given back can be taken at once", async () => {
    const { backend, next } = await open();
    await backend.submit(queued);
    await (await next()).giveBack();
    expect((await next()).named).toMatchObject(ref);
  });

  it("a message stays hidden while its turn lasts longer than messages are hidden", async () => {
    const { jobs, backend, next } = await open();
    await backend.submit(queued);
    const turn = await next();
    const until = Date.now() + 1.5 * HIDDEN_SECONDS * 1000;
    await eventually(() => expect(Date.now()).toBeGreaterThan(until));
    expect(runs.counts).toEqual({ visible: 0, hidden: 1 });
    await finish(jobs);
    await turn.taken({ outcome: "ran", record: queued });
    expect(runs.size).toBe(0);
  });

  it("an aborted wait ends without a turn", async () => {
    const { next } = await open();
    const waiting = next();
    signal.abort();
    expect(await waiting).toBeNull();
    expect(await next()).toBeNull();
  });

  it("a message that names no job is no turn, and becomes a dead letter", async () => {
    const { next } = await open();
    runs.send("hello");
    await expect(next()).rejects.toThrow(MessageError);
    expect(runs.size).toBe(1);
  });

  it("a queue that does not exist is told of", async () => {
    const { jobs, clock } = openJobs();
    const turns = queueTurns({ client, url: aws.queueUrl("other"), jobs, clock, log });
    await expect(turns.next(signal.signal, onAnswer)).rejects.toThrow("does not exist");
    expect(answers).toBe(0);
  });
});
