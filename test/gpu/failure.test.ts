import { expect, it } from "vitest";
import { failureOf, JobFailure } from "../../functions/gpu/failure.ts";
import { CheckpointError } from "../../lib/generation/checkpoint/index.ts";
import { notFinite } from "../../lib/generation/pipeline/finite.ts";
import { GenerationError } from "../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../lib/generation/request/index.ts";

it.each([
  [new GenerationError("It was killed.", { fault: "killed" }), "out_of_memory", true],
  [new GenerationError("/models/x: is damaged", { fault: "bad_files" }), "model_load_failed", true],
  [new GenerationError("It hung.", { fault: "stalled" }), "stalled", true],
  [new GenerationError("The GPU was lost.", { fault: "device_lost" }), "worker_lost", true],
  [notFinite({ subject: "The decoder" }), "invalid_output", true],
  [new GenerationError("Segmentation fault in /opt/x.so"), "internal_error", true],
  [new CheckpointError("/models/x", "is damaged"), "model_load_failed", true],
  [new RequestError("Choose 64x64."), "invalid_request", false],
  [new Error("/home/somebody"), "internal_error", true],
  ["no error at all", "internal_error", true],
  [new JobFailure("upload_failed", "The video could not be stored."), "upload_failed", true],
])("the error %s fails the job with %s", (cause, code, isRetryable) => {
  const failure = failureOf(cause);
  expect(failure).toMatchObject({ code, isRetryable });
  expect(failure.message).toMatch(/^[A-Z][^/]*\.$/);
});

it("a job whose model gave numbers that are not finite says which stage gave them", () => {
  expect(failureOf(notFinite({ subject: "The decoder" })).message).toBe(
    "The decoder gave numbers that are not finite: its weights may be damaged.",
  );
});
