import { type CachePolicy, hasFewSteps } from "../caching/index.ts";
import type { ResolvedRequest, VideoLimits } from "../request/index.ts";

/** Returns what a user should know about the run of a request, one sentence each. */
export function notesOf(
  { steps }: Pick<ResolvedRequest, "steps">,
  { name }: Pick<CachePolicy, "name">,
  limits: Pick<VideoLimits, "steps">,
): string[] {
  if (name === "off" || !hasFewSteps({ steps, modelSteps: limits.steps })) return [];
  const why =
    limits.steps < steps
      ? `The model makes videos in ${limits.steps} steps, so there is nothing to save`
      : `A run of ${steps} ${steps === 1 ? "step" : "steps"} has nothing to save`;
  return [name === "auto" ? `${why}: every step was computed.` : `${why}: auto would compute every step.`];
}
