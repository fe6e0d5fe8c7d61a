import { type CachePolicy, hasFewSteps } from "../caching/index.ts";
import type { ResolvedRequest, VideoLimits } from "../request/index.ts";

/** Returns what a user should know about the run of a request, one sentence each. */
export function notesOf(
  { steps }: Pick<ResolvedRequest, "steps">,
  { name }: Pick<CachePolicy, "name">,
  { limits, auditedDb }: { limits: Pick<VideoLimits, "steps">; auditedDb: number | null },
): string[] {
  const audit =
    auditedDb === null
      ? []
      : [`An audit measured ${auditedDb.toFixed(1)} dB against the video without cache.`];
  return [...fewSteps(steps, name, limits), ...audit];
}

/** Returns the note on a negative prompt of the request itself that no guidance used; none without one. */
export function unusedNegative(
  { negativePrompt, guidanceScale }: Pick<ResolvedRequest, "negativePrompt" | "guidanceScale">,
  { negative_prompt: usual }: Pick<VideoLimits, "negative_prompt">,
): string[] {
  if (!negativePrompt || negativePrompt === usual) return [];
  return [`The negative prompt was not used: a guidance scale of ${guidanceScale} does not guide.`];
}

function fewSteps(steps: number, name: string, limits: Pick<VideoLimits, "steps">): string[] {
  if (name === "off" || !hasFewSteps({ steps, modelSteps: limits.steps })) return [];
  const why =
    limits.steps < steps
      ? `The model makes videos in ${limits.steps} steps, so there is nothing to save`
      : `A run of ${steps} ${steps === 1 ? "step" : "steps"} has nothing to save`;
  return [name === "auto" ? `${why}: every step was computed.` : `${why}: auto would compute every step.`];
}
