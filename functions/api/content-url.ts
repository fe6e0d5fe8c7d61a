import { type JobRecord, VARIANTS } from "../../lib/service/jobs/index.ts";
import type { ApiDeps } from "./env.ts";
import { ApiError } from "./problem.ts";
import { STATUS_NAMES, signUrls } from "./views/video.ts";

/** Returns a signed URL of an output of a video. @throws ApiError if the video has no such output */
export async function contentUrl(
  { store, clock }: Pick<ApiDeps, "store" | "clock">,
  record: JobRecord,
  name: string,
): Promise<string> {
  const unsupported = (message: string) => new ApiError("unsupported_variant", message, { param: "variant" });
  const variant = VARIANTS.find((known) => known === name);
  if (!variant) throw unsupported(`variant is one of ${VARIANTS.join(", ")}.`);
  if (!record.outputs) throw new ApiError("video_not_ready", `This video is ${STATUS_NAMES[record.status]}.`);
  const urls = await signUrls(store, record, clock.now());
  if (!urls) throw new ApiError("video_expired", "The outputs of this video were deleted after their time.");
  const url = urls[variant];
  if (!url) throw unsupported(`This video was made without ${variant}.`);
  return url;
}
