import { type CachePolicy, hasFewSteps } from "../caching/index.ts";
import type { ResolvedRequest, VideoLimits } from "../request/index.ts";
import type { UsedLora } from "./model/open-loras.ts";

interface Ran {
  readonly limits: Pick<VideoLimits, "steps" | "is_distilled">;
  readonly auditedDb: number | null;
  readonly loras: readonly UsedLora[];
}

/** Returns what a user should know about the run of a request, one sentence each. */
export function notesOf(
  { steps, cache }: Pick<ResolvedRequest, "steps" | "cache">,
  { name }: Pick<CachePolicy, "name">,
  { limits, auditedDb, loras }: Ran,
): string[] {
  const audit =
    auditedDb === null
      ? []
      : [`An audit measured ${auditedDb.toFixed(1)} dB against the video without cache.`];
  const saved = limits.is_distilled ? distilled(limits, cache) : fewSteps(steps, name, limits);
  return [...saved, ...new Set(loras.flatMap(leftOut)), ...audit];
}

/** Says that there is nothing to save, and which policy that was asked for did not run. */
function distilled(
  { steps }: Pick<VideoLimits, "steps">,
  { policy }: Pick<ResolvedRequest["cache"], "policy">,
): string[] {
  if (policy === "off") return [];
  const asked = typeof policy === "string" ? policy : "the codebook";
  const unused = policy === "auto" ? "" : `, and the cache ${asked} was left out`;
  return [
    `The model was distilled to ${steps} ${steps === 1 ? "step" : "steps"}, so there is nothing to save: every step ` +
      `was computed${unused}.`,
  ];
}

/** Says what of a LoRA found no use. */
function leftOut({ name, leftOut }: UsedLora): string[] {
  if (leftOut === 0) return [];
  const entries = leftOut === 1 ? "1 entry is" : `${leftOut} entries are`;
  return [`The LoRA ${name} is for models that read an image too: ${entries} left out.`];
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
