import { join } from "node:path";
import { openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { cutNames } from "../../../lib/generation/models/index.ts";
import { autoencoderOf, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import {
  drawPreview,
  type LinearMap,
  type Preview,
  type PreviewShape,
} from "../../../lib/generation/preview/index.ts";
import { resolveRequest } from "../../../lib/generation/request/index.ts";
import { gaussianNoise } from "../../../lib/generation/sampling/index.ts";
import { encodePreview, type Frames, psnr, resizePicture } from "../../../lib/generation/video/index.ts";
import { circumstances } from "../machine.ts";
import { demoModel, docsFolder, resultsFolder, userPath, type Written } from "../options.ts";
import { evaluationPrompts } from "../policies/prompts.ts";
import { readResults, updateDocument, writeText } from "../results-file.ts";
import { say } from "../rounds.ts";
import { mean, quantile } from "../statistics.ts";
import { previewReport } from "./report.ts";
import { type PreviewResults, previewResultsSchema } from "./results.ts";

const PROMPTS = 12;
const QUICK_PROMPTS = 2;
/** Distance of the prompts in their list. */
const STRIDE = 7;
const REPEATS = 30;
const QUICK_REPEATS = 6;

/** Latents of published models, with the pixels that a position becomes and the reach that a map of them may have. */
const SIZES = [
  {
    name: "Wan 2.1, 832x480, 81 frames",
    channels: 16,
    frames: 21,
    height: 60,
    width: 104,
    reach: 0,
    pixels: 1,
  },
  {
    name: "Wan 2.1, 832x480, 81 frames",
    channels: 16,
    frames: 21,
    height: 60,
    width: 104,
    reach: 1,
    pixels: 1,
  },
  {
    name: "Wan 2.1, 1280x720, 81 frames",
    channels: 16,
    frames: 21,
    height: 90,
    width: 160,
    reach: 0,
    pixels: 1,
  },
  {
    name: "Wan 2.1, 1280x720, 81 frames",
    channels: 16,
    frames: 21,
    height: 90,
    width: 160,
    reach: 1,
    pixels: 1,
  },
  {
    name: "Wan 2.2 TI2V 5B, 1280x704, 121 frames",
    channels: 48,
    frames: 31,
    height: 44,
    width: 80,
    reach: 0,
    pixels: 2,
  },
  {
    name: "LTX-Video, 704x480, 161 frames",
    channels: 128,
    frames: 21,
    height: 15,
    width: 22,
    reach: 0,
    pixels: 4,
  },
] as const;

/**
 * Runs `previews`: what a preview costs, how early it shows the video, and how many bytes it takes. Processor time is
 * measured, which other programs disturb less.
 */
export async function runPreviews({ values, args }: Written<"from">): Promise<void> {
  const results = values.from
    ? await readResults(userPath(values.from), previewResultsSchema)
    : await measure(values.quick, ["previews", ...args]);
  const folder = values.quick ? resultsFolder : docsFolder;
  await updateDocument(join(folder, "benchmarks.md"), "previews", previewReport(results));
  process.stdout.write(`Wrote ${join(folder, "benchmarks.md")}.\n`);
}

async function measure(isQuick: boolean, command: readonly string[]): Promise<PreviewResults> {
  const repeats = isQuick ? QUICK_REPEATS : REPEATS;
  const told = await circumstances(command, demoModel);
  const { demo, frames } = await measureDemo(isQuick ? QUICK_PROMPTS : PROMPTS);
  const results: PreviewResults = {
    kind: "previews",
    circumstances: told,
    demo,
    sizes: SIZES.map(({ name, ...shape }) => {
      say(`drawing previews of ${name}`);
      return { name, ...measureSize({ ...shape, seconds: 5 }, repeats) };
    }),
    encoded: [
      await encodedAt(frames, 32, 32),
      await encodedAt(frames, 104, 60),
      await encodedAt(frames, 160, 90),
    ],
  };
  await writeText(join(resultsFolder, "previews.json"), `${JSON.stringify(results, null, 1)}\n`);
  return results;
}

/** Milliseconds of processor time of all threads since a moment. */
function processorMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

function measureSize(
  { reach, pixels, ...shape }: PreviewShape & { readonly reach: number; readonly pixels: number },
  repeats: number,
): Omit<PreviewResults["sizes"][number], "name"> {
  const { channels, frames, height, width } = shape;
  const places = (2 * reach + 1) ** 2;
  const rows = pixels * pixels * 3;
  const map: LinearMap = {
    channels,
    reach,
    pixels,
    matrix: Array.from({ length: rows }, (_, row) => [...gaussianNoise(row, places * channels)]),
    offset: Array.from({ length: rows }, () => 128),
  };
  const [latent, prediction] = [1, 2].map((seed) =>
    gaussianNoise(seed, channels * frames * height * width),
  ) as [Float32Array, Float32Array];
  let preview: Preview | null = null;
  const taken = Array.from({ length: repeats }, () => {
    const begun = process.cpuUsage();
    preview = drawPreview(map, { latent, prediction, kept: 1, added: -0.5 }, shape, 1);
    return processorMs(begun);
  });
  const made = preview as unknown as Preview;
  const size = { width: made.width, height: made.height, places, pixelBytes: made.rgb.length };
  return { ...size, previewMs: quantile(taken.slice(1), 0.5) };
}

/** Makes videos of the demo model without cache, with a preview after every step. */
async function measureDemo(prompts: number): Promise<{ demo: PreviewResults["demo"]; frames: Frames }> {
  const { found } = await autoencoderOf((await openModelFolder(demoModel)).folder);
  if (found === null || "refused" in found) throw new Error("The demo model has no map that fits.");
  const { map, measured } = found.file;
  const shape = { channels: 4, frames: 16, height: 8, width: 8, seconds: 2 };
  const [stepMs, previewMs, bytes]: [number[], number[], number[]] = [[], [], []];
  let previews: Preview[] = [];
  const pipeline = await openPipeline(
    demoModel,
    { threads: 1 },
    {
      signals: [],
      through: (sessions, { sampler }) => ({
        ...sessions,
        full: {
          ...sessions.full,
          async run(feeds) {
            const begun = process.cpuUsage();
            const out = await sessions.full.run(feeds);
            stepMs.push(processorMs(begun));
            const { latent: kept, prediction: added } = sampler.clean[previews.length]!;
            const latent = feeds[cutNames.latent]!.data as Float32Array;
            const prediction = out[cutNames.prediction]!.data as Float32Array;
            const drawing = process.cpuUsage();
            previews.push(drawPreview(map, { latent, prediction, kept, added }, shape, previews.length + 1));
            previewMs.push(processorMs(drawing));
            return out;
          },
        },
      }),
    },
  );
  const psnrs: number[][] = [];
  let frames: Frames | null = null;
  try {
    for (let index = 0; index < prompts; index++) {
      const { text, seed } = evaluationPrompts[(index * STRIDE) % evaluationPrompts.length]!;
      say(`making video ${index + 1} of ${prompts}`);
      previews = [];
      const request = resolveRequest({ prompt: text, seed, cache: "off" }, pipeline);
      ({ frames } = await pipeline.generate(request));
      const last = framesIn(previews.at(-1)!);
      psnrs.push(previews.slice(0, -1).map((preview) => psnr(framesIn(preview), last)));
      bytes.push((await encodePreview(previews.at(-1)!)).length);
    }
  } finally {
    await pipeline.close();
  }
  return {
    demo: {
      rms: measured.rms,
      r2: measured.r2,
      stepMs: quantile(stepMs, 0.5),
      previewMs: quantile(previewMs.slice(1), 0.5),
      firstMs: previewMs[0]!,
      psnr: psnrs[0]!.map((_, step) => mean(psnrs.map((video) => video[step]!))),
      prompts,
      bytes: mean(bytes),
    },
    frames: frames!,
  };
}

function framesIn({ width, height, frames, rgb }: Preview): Frames {
  return { width, height, count: frames, rgb };
}

/** Encodes eight pictures of a video as a preview of another size. */
async function encodedAt(video: Frames, width: number, height: number) {
  const frames = 8;
  const size = video.width * video.height * 3;
  const rgb = new Uint8Array(frames * width * height * 3);
  for (let frame = 0; frame < frames; frame++) {
    const from = Math.round((frame * (video.count - 1)) / (frames - 1)) * size;
    const picture = { width: video.width, height: video.height, rgb: video.rgb.subarray(from, from + size) };
    rgb.set(resizePicture(picture, { width, height }, { filter: "bicubic" }).rgb, frame * width * height * 3);
  }
  return {
    width,
    height,
    frames,
    bytes: (await encodePreview({ width, height, frames, seconds: 2, rgb })).length,
  };
}
