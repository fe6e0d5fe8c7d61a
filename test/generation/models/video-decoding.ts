import type { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { decoderNames, type LatentDecoder } from "../../../lib/generation/models/index.ts";
import type { DecoderRun } from "../../../lib/generation/models/latent-decoder.ts";
import type { Provider, Tensor } from "../../../lib/generation/onnx/index.ts";
import { float32, type Golden, run } from "./golden.ts";

/** Transposes [C, F, H, W] to [F, C, H, W]. */
function framesFirst(data: Float32Array, [channels, frames, height, width]: readonly number[]): Float32Array {
  const area = height! * width!;
  return Float32Array.from(data, (_, i) => {
    const frame = Math.floor(i / (area * channels!));
    const channel = Math.floor(i / area) % channels!;
    return data[(channel * frames! + frame) * area + (i % area)]!;
  });
}

/** Reads a vector of case `index` whose golden stores videos as [C, F, H, W], and puts frames first. */
export async function videoVector(
  { vectors }: Golden,
  index: number,
  name: "latent" | "noise" | "frames" | "tiled",
) {
  const shape = vectors.info(`${index}.${name}`).shape.slice(-4); // a batch of one may come before them
  return { shape, data: framesFirst(await vectors.read(`${index}.${name}`), shape) };
}

/** Decodes case `index` in the given runs, or in the decoder's own. */
export async function decodeCase(
  golden: Golden,
  decoder: LatentDecoder,
  index: number,
  options: { runs?: readonly DecoderRun[]; weights?: Checkpoint; provider?: Provider } = {},
): Promise<Tensor> {
  const { weights = golden.weights, provider = "cpu" } = options;
  const { shape, data } = await videoVector(golden, index, "latent"); // the shape is [C, F, H, W]
  const [channels, frames, height, width] = shape as [number, number, number, number];
  const noise = decoder.takesNoise ? (await videoVector(golden, index, "noise")).data : null;
  const latent = float32(data, [frames, channels, height, width]);
  return decodeLatent(decoder, latent, { ...options, weights, provider, noise });
}

/**
 * Decodes a latent [F, C, H, W] in the given runs, or in the decoder's own. State left by one run is fed to the next,
 * and features to the strips that are made of them.
 */
export async function decodeLatent(
  decoder: LatentDecoder,
  latent: Tensor,
  options: {
    runs?: readonly DecoderRun[];
    weights: Checkpoint;
    provider?: Provider;
    noise?: Float32Array | null;
  },
): Promise<Tensor> {
  const { weights, provider = "cpu", noise } = options;
  const [frames, channels, height, width] = latent.shape as [number, number, number, number];
  const size = channels * height * width;
  const parts: { frames: Tensor; strip: DecoderRun["strip"]; firstFrame: number }[] = [];
  const features: Tensor[] = [];
  let left: Record<string, Tensor> = {};
  let [first, firstFrame] = [0, 0];
  for (const part of options.runs ?? decoder.runs({ frames, height, width })) {
    const graph = decoder.build({ ...part, height, width }, { weights, provider });
    const ofRun = (data: Float32Array) =>
      float32(data.slice(first * size, (first + part.frames) * size), [part.frames, channels, height, width]);
    const given = part.takesFeatures
      ? { features: framesOf(features, first, part.frames) }
      : { latent: ofRun(latent.data as Float32Array), ...(noise && { noise: ofRun(noise) }) };
    const { frames: made, features: inner, ...after } = await run(graph, weights, { ...left, ...given });
    if (inner) features.push(inner);
    if (made) parts.push({ frames: made, strip: part.strip, firstFrame });
    left = Object.fromEntries(
      Object.entries(after).map(([name, tensor]) => [name.replace(/^after\./, decoderNames.before), tensor]),
    );
    [first, firstFrame] = [first + part.frames, firstFrame + (made?.shape[0] ?? 0)];
    const taken = features.reduce((sum, { shape }) => sum + shape[0]!, 0);
    if (first === (part.takesFeatures ? taken : frames)) [first, firstFrame, left] = [0, 0, {}];
  }
  return joined(parts, height * decoder.scale, width * decoder.scale, decoder.scale);
}

/** Returns some frames of tensors [F, ...] that follow one another. */
function framesOf(tensors: readonly Tensor[], first: number, frames: number): Tensor {
  const [, ...rest] = tensors[0]!.shape as [number, ...number[]];
  const size = rest.reduce((product, extent) => product * extent, 1);
  const all = Float32Array.from(tensors.flatMap(({ data }) => [...(data as Float32Array)]));
  return float32(all.slice(first * size, (first + frames) * size), [frames, ...rest]);
}

/** Joins pictures [P, 3, h, w] of strips along time and space. */
function joined(
  parts: readonly { frames: Tensor; strip: DecoderRun["strip"]; firstFrame: number }[],
  height: number,
  width: number,
  scale: number,
): Tensor {
  const count = Math.max(...parts.map(({ frames, firstFrame }) => firstFrame + frames.shape[0]!));
  const data = new Float32Array(count * 3 * height * width).fill(Number.NaN);
  for (const { frames, strip, firstFrame } of parts) {
    const [planes, h, w] = [frames.shape[0]! * 3, frames.shape[2]!, frames.shape[3]!];
    const top = strip?.axis === "height" ? strip.first * scale : 0;
    const left = strip?.axis === "width" ? strip.first * scale : 0;
    for (let row = 0; row < planes * h; row++) {
      const [plane, y] = [firstFrame * 3 + Math.floor(row / h), row % h];
      const to = (plane * height + top + y) * width + left;
      data.set((frames.data as Float32Array).subarray(row * w, (row + 1) * w), to);
    }
  }
  return float32(data, [count, 3, height, width]);
}
