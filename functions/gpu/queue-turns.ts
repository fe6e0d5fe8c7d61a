import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { isBelievedIn, runsQueueBackend } from "../../lib/service/backends/index.ts";
import type { JobRef, JobStore } from "../../lib/service/jobs/index.ts";
import { hintedJobs } from "../../lib/service/queue/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import type { Log } from "./log.ts";
import { outageTeller } from "./outage.ts";
import type { Turn, TurnSource } from "./turn-source.ts";

export interface QueueTurnsOptions {
  readonly client: Pick<SQSClient, "send">;
  /** URL of the queue that `runsQueueBackend` submits to. */
  readonly url: string;
  readonly jobs: Pick<JobStore, "read" | "apply">;
  readonly clock: Clock;
  readonly log: Log;
  /** Calls an action again and again until the returned function is called; by the system's timers by default. */
  readonly repeat?: (action: () => void, everyMs: number) => () => void;
  /** Time for which a received message is hidden from other workers, unless it is extended; 120 seconds by default. */
  readonly hiddenSeconds?: number;
}

/** Longest poll of SQS. */
const POLL_SECONDS = 20;

const HIDDEN_SECONDS = 120;

/** Number of extensions before a message would appear again, so that it survives several failed ones. */
const EXTENSIONS = 4;

/**
 * Takes turns from the messages of an SQS queue. A message stays hidden from other workers until its turn has ended.
 */
export function queueTurns(options: QueueTurnsOptions): TurnSource {
  const { client, url, hiddenSeconds = HIDDEN_SECONDS } = options;
  const command = new ReceiveMessageCommand({
    QueueUrl: url,
    MaxNumberOfMessages: 1,
    WaitTimeSeconds: POLL_SECONDS,
    VisibilityTimeout: hiddenSeconds,
  });
  return {
    async next(signal, onAnswer) {
      while (!signal.aborted) {
        const answer = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
          if (signal.aborted) return null;
          throw error;
        });
        if (answer) onAnswer();
        const [message] = answer?.Messages ?? [];
        if (message) return turnOf(message.Body!, message.ReceiptHandle!, options);
      }
      return null;
    },
  };
}

/** @throws MessageError if the message names no job; it appears again, until it is a dead letter */
function turnOf(body: string, receipt: string, options: QueueTurnsOptions): Turn {
  const { client, url, log, repeat = repeatedly, hiddenSeconds = HIDDEN_SECONDS } = options;
  const [named = null] = hintedJobs(body);
  const message = { QueueUrl: url, ReceiptHandle: receipt };

  async function hide(seconds: number): Promise<void> {
    await client.send(new ChangeMessageVisibilityCommand({ ...message, VisibilityTimeout: seconds }));
  }

  const outage = outageTeller({
    log,
    failing: "the message of a turn was not kept, and another worker may take the same turn",
    ended: "the message of the turn is kept again",
  });
  const extend = () => void hide(hiddenSeconds).then(outage.ended, outage.failed);
  const stopExtending = repeat(extend, (hiddenSeconds * 1000) / EXTENSIONS);

  async function giveBack(): Promise<void> {
    stopExtending();
    await hide(0);
  }

  return {
    named,
    async taken({ outcome }) {
      if (outcome === "busy" || outcome === "stopping") return giveBack();
      try {
        if (named) await submitAgain(named, options);
        // The deletion comes last: a crash before it causes another turn and not a lost one.
        await client.send(new DeleteMessageCommand(message));
      } finally {
        stopExtending();
      }
    },
    giveBack,
  };
}

/** Submits a job again whose turn went to another one, or whose own run gave it back. */
async function submitAgain(named: JobRef, { client, url, jobs, clock }: QueueTurnsOptions): Promise<void> {
  const record = await jobs.read(named);
  if (record?.status !== "queued") return;
  const backend = runsQueueBackend({ client, url });
  await backend.submit(record);
  // The end of a run takes the note back, by which the sweep knows that the job is in this queue.
  if (!isBelievedIn(backend, record, clock.now()))
    await jobs.apply(record, { type: "dispatch", to: backend.name });
}

function repeatedly(action: () => void, everyMs: number): () => void {
  const timer = setInterval(action, everyMs).unref();
  return () => clearInterval(timer);
}
