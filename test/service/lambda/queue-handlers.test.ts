import type { SQSEvent } from "aws-lambda";
import { pino } from "pino";
import { expect, it } from "vitest";
import { jobHandler } from "../../../lib/service/lambda/index.ts";
import { RecordError } from "../../../lib/service/storage/index.ts";
import { newJob } from "../jobs/sample-job.ts";

const event = {
  Records: [{ messageId: "m", body: JSON.stringify({ tenant: "acme", id: newJob.id }) }],
} as unknown as SQSEvent;
const log = pino({ level: "silent" });

it("a message about a damaged record is not delivered again, and any other that fails is", async () => {
  const damaged = jobHandler(log, () => Promise.reject(new RecordError("jobs/acme/a.json")));
  expect(await damaged(event)).toEqual({ batchItemFailures: [] });
  const failing = jobHandler(log, () => Promise.reject(new TypeError("a bug")));
  expect(await failing(event)).toEqual({ batchItemFailures: [{ itemIdentifier: "m" }] });
});
