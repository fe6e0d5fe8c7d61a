import { InvalidArgumentError, type SharedV4Warning } from "@ai-sdk/provider";
import type { Model } from "./service.ts";

/** Value that the model takes, with what is to be said where it is another one than was asked for. */
export interface Fitted<T> {
  readonly value: T;
  readonly warnings: SharedV4Warning[];
}

/** Difference of a length from the one that was asked for about which nothing needs to be said. */
const SECONDS_OFF = 0.1;
/** The same of a ratio of the sides, which are multiples of 16 or so. */
const RATIO_OFF = 0.05;

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Chooses among the sizes of a model: the one that was asked for, else the nearest in shape, and of those in area.
 * Without a resolution the area is that of the model's first size.
 *
 * @returns null if nothing was asked for
 * @throws InvalidArgumentError
 */
export function fittedSize(
  { sizes }: Model,
  {
    resolution,
    aspectRatio,
  }: { readonly resolution: string | undefined; readonly aspectRatio: string | undefined },
): Fitted<string> | null {
  if (aspectRatio === "adaptive" && resolution === undefined)
    return { value: sizes[0]!, warnings: [other("aspectRatio", `"adaptive" means ${sizes[0]} here.`)] };
  if (resolution !== undefined) {
    const asked = pairOf("resolution", resolution, "x");
    const value = nearest(sizes, { ratio: asked.width / asked.height, area: asked.width * asked.height });
    const isOther = value !== `${asked.width}x${asked.height}`;
    return {
      value,
      warnings: isOther ? [other("resolution", `The video is ${value}: ${listOf(sizes)}.`)] : [],
    };
  }
  if (aspectRatio === undefined) return null;
  const { width, height } = pairOf("aspectRatio", aspectRatio, ":");
  const [first, ratio] = [sizeOf(sizes[0]!), width / height];
  const value = nearest(sizes, { ratio, area: first.width * first.height });
  const made = sizeOf(value);
  const isOther = Math.abs(made.width / made.height / ratio - 1) > RATIO_OFF;
  return {
    value,
    warnings: isOther ? [other("aspectRatio", `The video is ${value}: ${listOf(sizes)}.`)] : [],
  };
}

/**
 * Chooses among the frame rates of a model and its numbers of frames.
 *
 * @returns fields of the request; none where nothing was asked for
 * @throws InvalidArgumentError
 */
export function fittedLength(
  { num_frames: lengths, fps: rates }: Model,
  { duration, fps }: { readonly duration: number | undefined; readonly fps: number | undefined },
): Fitted<{ readonly fps?: number; readonly num_frames?: number }> {
  for (const [name, value] of Object.entries({ duration, fps }))
    if (value !== undefined && !(value > 0 && value < Number.POSITIVE_INFINITY))
      throw new InvalidArgumentError({
        argument: name,
        message: `${name} must be a number above 0, not ${value}.`,
      });
  const warnings: SharedV4Warning[] = [];
  const rate = fps === undefined ? undefined : closest(rates, fps);
  if (rate !== fps)
    warnings.push(other("fps", `The video has ${rate} frames a second: this model has ${rates.join(", ")}.`));
  const frames = duration === undefined ? undefined : closest(lengths, duration * (rate ?? rates[0]!));
  const seconds = (frames ?? 0) / (rate ?? rates[0]!);
  if (duration !== undefined && Math.abs(seconds - duration) > SECONDS_OFF) {
    const made = `${Number(seconds.toFixed(2))} s, ${frames} frames`;
    warnings.push(other("duration", `The video is ${made}: this model makes ${lengths.join(", ")} frames.`));
  }
  return {
    value: { ...(rate !== undefined && { fps: rate }), ...(frames !== undefined && { num_frames: frames }) },
    warnings,
  };
}

function other(feature: string, details: string): SharedV4Warning {
  return { type: "unsupported", feature, details };
}

function listOf(sizes: readonly string[]): string {
  return `this model makes ${sizes.join(", ")}`;
}

function nearest(
  sizes: readonly string[],
  { ratio, area }: { readonly ratio: number; readonly area: number },
): string {
  const distance = (text: string) => {
    const { width, height } = sizeOf(text);
    // A shape that is off by a tenth is worse than an area that is off by a half.
    return Math.abs(Math.log(width / height / ratio)) * 5 + Math.abs(Math.log((width * height) / area));
  };
  return sizes.reduce((best, size) => (distance(size) < distance(best) ? size : best));
}

function closest(values: readonly number[], asked: number): number {
  return values.reduce((best, value) => (Math.abs(value - asked) < Math.abs(best - asked) ? value : best));
}

function sizeOf(text: string): Size {
  const [width, height] = text.split("x").map(Number);
  return { width: width!, height: height! };
}

function pairOf(argument: string, text: string, separator: string): Size {
  const [, width, height] = new RegExp(`^(\\d{1,5})${separator}(\\d{1,5})$`).exec(text) ?? [];
  if (!(Number(width) > 0 && Number(height) > 0)) {
    const form = `must be two whole numbers above 0, such as ${separator === "x" ? "832x480" : "16:9"}`;
    throw new InvalidArgumentError({ argument, message: `${argument} ${form}, not ${text}.` });
  }
  return { width: Number(width), height: Number(height) };
}
