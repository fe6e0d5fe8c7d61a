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

/** Decodes case `index` in the given runs, or in the decoder's own. State left by one run is fed to the next. */
export async function decodeCase(
  golden: Golden,
  decoder: LatentDecoder,
  index: number,
  options: { runs?: readonly DecoderRun[]; weights?: Checkpoint; provider?: Provider } = {},
): Promise<Tensor> {
  const { weights = golden.weights, provider = "cpu" } = options;
  const latent = await videoVector(golden, index, "latent");
  const [channels, frames, height, width] = latent.shape as [number, number, number, number];
  const size = channels * height * width;
  const noise = decoder.takesNoise ? (await videoVector(golden, index, "noise")).data : null;
  const pictures: number[] = [];
  let left: Record<string, Tensor> = {};
  let first = 0;
  for (const part of options.runs ?? decoder.runs({ frames, height, width })) {
    const graph = decoder.build({ ...part, height, width }, { weights, provider });
    const ofRun = (data: Float32Array) =>
      float32(data.slice(first * size, (first + part.frames) * size), [part.frames, channels, height, width]);
    const feeds = { ...left, latent: ofRun(latent.data), ...(noise && { noise: ofRun(noise) }) };
    const { frames, ...after } = await run(graph, weights, feeds);
    pictures.push(...(frames!.data as Float32Array));
    left = Object.fromEntries(
      Object.entries(after).map(([name, tensor]) => [name.replace(/^after\./, decoderNames.before), tensor]),
    );
    first += part.frames;
  }
  const [outHeight, outWidth] = [height * decoder.scale, width * decoder.scale];
  const count = pictures.length / (3 * outHeight * outWidth);
  return float32(Float32Array.from(pictures), [count, 3, outHeight, outWidth]);
}
