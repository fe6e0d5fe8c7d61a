import { oneOf } from "../../shared/sentences/index.ts";
import type { VideoLimits } from "./limits.ts";
import { RequestError } from "./request-error.ts";

/** Checks of what a model makes. Each tells the possible values in the unit that was asked. */

/** @throws RequestError if the model makes no videos of this size */
export function checkSize(
  { width, height }: { width: number; height: number },
  { sizes }: VideoLimits,
): void {
  if (sizes.some(([w, h]) => w === width && h === height)) return;
  const choices = oneOf(sizes.map(([w, h]) => `${w}x${h}`));
  throw impossible("size", `This model makes ${choices}; ${width}x${height} is not possible.`);
}

/** @throws RequestError if the model makes no videos of this number of frames */
export function checkFrames({ frames }: { frames: number }, limits: VideoLimits): void {
  if (limits.frames.includes(frames)) return;
  throw impossible("num_frames", `This model makes ${framesIn(limits)}; ${frames} is not possible.`);
}

/** @throws RequestError if the model makes no videos of this frame rate */
export function checkFps({ fps }: { fps: number }, limits: VideoLimits): void {
  if (limits.fps.includes(fps)) return;
  throw impossible("fps", `This model makes ${choices(limits.fps)} frames a second; ${fps} is not possible.`);
}

/** @throws RequestError if the model makes no videos in this number of steps */
export function checkSteps(
  { steps }: { steps: number },
  { steps: possible, has_fixed_steps }: Pick<VideoLimits, "steps" | "has_fixed_steps">,
): void {
  if (!has_fixed_steps || steps === possible) return;
  throw impossible(
    "steps",
    `This model was distilled to make videos in ${possible} steps; leave steps out, or ask for ${possible}.`,
  );
}

/** @throws RequestError if the model makes no videos of this number of seconds */
export function checkSeconds(
  seconds: number,
  { frames, fps }: { readonly frames: number; readonly fps: number },
  limits: VideoLimits,
): void {
  if (limits.frames.includes(frames)) return;
  // Seconds can only be offered at a frame rate that the model makes.
  checkFps({ fps }, limits);
  const lengths = limits.frames.map((count) => count / fps);
  const nearest = lengths.reduce((best, each) =>
    Math.abs(each - seconds) < Math.abs(best - seconds) ? each : best,
  );
  const advice = lengths.length > 1 ? `: the nearest is ${rounded(nearest)} s` : "";
  const possible = `${choices(lengths)} s (${framesIn(limits)} at ${fps} a second)`;
  throw impossible("seconds", `This model makes ${possible}; ${seconds} s is not possible${advice}.`);
}

function impossible(field: string, message: string): RequestError {
  return new RequestError(message, { field });
}

/** Rounds to thousandths, as precisely as seconds can be asked for. */
function rounded(value: number): number {
  return Number(value.toFixed(3));
}

function framesIn({ frames }: VideoLimits): string {
  return `${choices(frames)} ${frames.length === 1 && frames[0] === 1 ? "frame" : "frames"}`;
}

/** Lists all values in ascending order, or abbreviates the list if it is long and evenly spaced. */
function choices(allowed: readonly number[]): string {
  const sorted = allowed.toSorted((a, b) => a - b);
  const [first, second] = sorted as [number, number];
  const isEven = sorted.every((value, i) => Math.abs(value - first - i * (second - first)) < 1e-6);
  const words = sorted.map((value) => String(rounded(value)));
  return sorted.length > 5 && isEven
    ? `${words.slice(0, 3).join(", ")} and so on up to ${words.at(-1)}`
    : oneOf(words);
}
