import type { InvokeEndpointAsyncCommand } from "@aws-sdk/client-sagemaker-runtime";
import { expect, it } from "vitest";
import { sageMakerBackend, sageMakerKind } from "../../../lib/service/backends/index.ts";
import { jobKey, type NewJob } from "../../../lib/service/jobs/index.ts";
import { queuedJob } from "../../../lib/service/jobs/record.ts";
import { MessageError } from "../../../lib/service/queue/index.ts";
import { notification } from "../../cloud/notification.ts";
import { NOW, newJob } from "../jobs/sample-job.ts";

const storeUrl = "s3://videos";
const { outcomeOf } = sageMakerKind(storeUrl);
const inputLocation = `${storeUrl}/${jobKey(newJob)}`;
const ref = { tenant: "acme", id: newJob.id };

/** Returns SageMaker's input for one job at that time. */
async function invocationOf(job: NewJob, now: number): Promise<InvokeEndpointAsyncCommand["input"]> {
  const inputs: InvokeEndpointAsyncCommand["input"][] = [];
  const client = { send: async ({ input }: InvokeEndpointAsyncCommand) => void inputs.push(input) };
  const options = { client: client as never, endpointName: "adareel-1", storeUrl };
  await sageMakerBackend({ ...options, clock: { now: () => now } }).submit(queuedJob(job));
  return inputs[0]!;
}

it("an invocation names the endpoint, the job's record, and the attempt that it is for", async () => {
  expect(await invocationOf(newJob, NOW)).toEqual({
    EndpointName: "adareel-1",
    InputLocation: inputLocation,
    ContentType: "application/json",
    InferenceId: `${newJob.id}.1`,
    InvocationTimeoutSeconds: 3600,
    RequestTTLSeconds: 3600,
  });
});

it("the endpoint keeps a job until its deadline, within the bounds that the endpoint allows", async () => {
  const late = await invocationOf(newJob, newJob.createdAt + 3_599_000);
  const patient = { ...newJob, deadlineAt: newJob.createdAt + 86_400_000 };
  const early = await invocationOf(patient, newJob.createdAt);
  expect([late, early].map(({ RequestTTLSeconds }) => RequestTTLSeconds)).toEqual([60, 21_600]);
});

it("a notification of a success and of an error are told apart", () => {
  expect(outcomeOf(notification({ inputLocation }))).toEqual({ ref, failure: null });
  const failureReason = "The model is out of memory.";
  expect(outcomeOf(notification({ inputLocation, failureReason }))).toEqual({ ref, failure: failureReason });
});

it("an SNS envelope, which raw delivery omits, is refused", () => {
  const Message = notification({ inputLocation });
  expect(() => outcomeOf(JSON.stringify({ Type: "Notification", Message }))).toThrow(MessageError);
});

it.each(["s3://other/jobs/acme/x.json", "s3://videos/models/demo/model_index.json", ""])(
  "an invocation of %j is refused",
  (other) => {
    expect(() => outcomeOf(notification({ inputLocation: other }))).toThrow(MessageError);
  },
);
