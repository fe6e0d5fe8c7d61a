import { type JobRecord, VARIANTS } from "../../lib/service/jobs/index.ts";
import { oneOf } from "../../lib/shared/sentences/index.ts";
import type { ApiDeps } from "./env.ts";
import { ApiError } from "./problem.ts";
import { signUrls } from "./views/video.ts";

/** Makes the error of a request for what a video has only once it is completed. */
export function notReady({ status, error }: Pick<JobRecord, "status" | "error">): ApiError {
  if (status === "cancelled")
    return new ApiError("video_failed", "This video was cancelled, so it has no outputs.");
  if (status === "failed")
    return new ApiError("video_failed", `This video failed, so it has no outputs: ${error?.message ?? ""}`);
  return new ApiError(
    "video_not_ready",
    "This video has no outputs yet: ask again once its status is completed.",
  );
}

/**
 * Returns a signed URL of an output of a video, and when it ends.
 *
 * @throws ApiError if the video has no such output, or its files were deleted
 */
export async function contentUrl(
  { store, clock }: Pick<ApiDeps, "store" | "clock">,
  record: JobRecord,
  name: string,
): Promise<{ readonly url: string; readonly expiresAt: number }> {
  const unsupported = (message: string) => new ApiError("unsupported_variant", message, { param: "variant" });
  const variant = VARIANTS.find((known) => known === name);
  if (!variant) throw unsupported(`variant must be ${oneOf(VARIANTS)}.`);
  if (!record.outputs) throw notReady(record);
  const urls = await signUrls(store, record, clock.now());
  if (!urls) throw new ApiError("video_expired", "The outputs of this video were deleted after their time.");
  const [url, artifact] = [urls[variant], record.outputs[variant]];
  if (!url || !artifact) throw unsupported(`This video has no ${variant} output.`);
  // A deletion may have ended between the outputs and the record, on a full disk or by a crash.
  const { keys } = await store.list(artifact.key, { limit: 1 });
  if (keys[0] !== artifact.key)
    throw new ApiError("video_expired", "The outputs of this video were deleted.");
  return { url, expiresAt: urls.expiresAt };
}
