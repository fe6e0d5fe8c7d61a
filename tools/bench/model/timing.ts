import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import {
  type BenchmarkVideo,
  cutNames,
  decoderNames,
  diffusionTransformer,
  latentDecoder,
  type WeightedPart,
} from "../../../lib/generation/models/index.ts";
import {
  MAPPED_BYTES_MIN,
  openSession,
  type Session,
  type Tensor,
} from "../../../lib/generation/onnx/index.ts";
import { say, times } from "../rounds.ts";
import { quantile } from "../statistics.ts";
import type { SessionName } from "../step/results.ts";
import { startTorch } from "../torch-process.ts";
import { GUIDANCE_SCALE, openPart, TIMESTEP, videoShape } from "./part.ts";
import { type ModelTiming, relativeDistance, type Subject, torchTimesSchema } from "./results.ts";
import { writeFeeds } from "./safetensors-file.ts";
import { publishedDepth, TIMED_BLOCKS, type TimedModel } from "./timed-models.ts";

export interface Effort {
  readonly threads: number;
  readonly rounds: number;
}

/** Number of our reused steps per round; several, because they are short. */
const REUSED_PER_ROUND = 5;
/** Maximum relative difference of results that differ by rounding only. */
const DIFFERENCE_MAX = 1e-4;

/** Session and model part of each subject, and the output that is compared with PyTorch's. */
const SUBJECTS = {
  step: { session: "full", part: "transformer", output: cutNames.prediction },
  text: { session: "text", part: "text_encoder", output: "states" },
  decoder: { session: "decoder", part: "vae", output: decoderNames.frames },
} as const satisfies Record<Subject, { session: SessionName; part: WeightedPart; output: string }>;

/** Times rounds of one run of ours and one run of PyTorch. Neither runs during the other. */
export async function timePart(
  family: TimedModel,
  model: ModelFolder,
  subject: Subject,
  { threads, rounds }: Effort,
): Promise<ModelTiming> {
  say(`${family.name}: ${subject}`);
  const { session, part, output } = SUBJECTS[subject];
  const video = subject === "decoder" ? family.decodedVideo : family.stepVideo;
  const computed = await open(model, session, video, threads);
  const reused = subject === "step" ? await open(model, "reuse", video, threads) : null;
  const job = join(model.folder, "job", subject);
  await writeJob(job, computed.feeds, video);
  const folder = model.part(part).folder;
  const words = ["--part", folder, "--job", job, "--threads", String(threads)];
  const torch = await startTorch(new URL("./torch_model.py", import.meta.url), words);
  if (typeof torch === "string") say(`PyTorch ${torch}`);
  try {
    // This run is also the warm-up.
    const result = (await computed.session.run(computed.feeds))[output]!;
    const isAlone = typeof torch === "string";
    const difference = isAlone ? 0 : await distance(result, join(job, "output.f32"));
    if (difference > DIFFERENCE_MAX) {
      throw new Error(
        `${family.name}, ${subject}: our result and PyTorch's differ by ${difference}, so nothing is timed.`,
      );
    }
    await reused?.session.run(reused.feeds);
    const runs = await times(rounds, async () => ({
      ours: await milliseconds(computed),
      torch: isAlone ? null : torchTimesSchema.parse(await torch.ask("1")).times[0]!,
      reused: reused && quantile(await times(REUSED_PER_ROUND, () => milliseconds(reused)), 0.5),
    }));
    return {
      family: family.name,
      subject,
      extent: extentOf(family, model, subject),
      ours: runs.map((run) => run.ours),
      reuse: reused && {
        runs: runs.map((run) => run.reused!),
        blocks: TIMED_BLOCKS,
        publishedBlocks: publishedDepth(family),
      },
      torch: isAlone ? torch : { version: torch.version, difference, runs: runs.map((run) => run.torch!) },
    };
  } finally {
    await computed.session.release();
    await reused?.session.release();
    if (typeof torch !== "string") await torch.close();
  }
}

interface OpenedPart {
  readonly session: Session;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

async function open(
  model: ModelFolder,
  name: SessionName,
  video: BenchmarkVideo,
  threads: number,
): Promise<OpenedPart> {
  const { weights, build, feeds } = await openPart(model, name, video);
  const graph = build();
  const session = await openSession(graph.build(), {
    threads,
    weightsFolder: weights.root,
    // Maps the weights, as with a whole transformer or text encoder. A decoder is complete, so its own size decides.
    weightBytes: name === "decoder" ? graph.weightBytes : MAPPED_BYTES_MIN,
  });
  return { session, feeds: feeds() };
}

async function milliseconds({ session, feeds }: OpenedPart): Promise<number> {
  const began = performance.now();
  await session.run(feeds);
  return performance.now() - began;
}

/** Writes the inputs and the settings of a run of torch_model.py. */
async function writeJob(folder: string, feeds: OpenedPart["feeds"], video: BenchmarkVideo): Promise<void> {
  await mkdir(folder, { recursive: true });
  const job = { ...video, timestep: TIMESTEP, guidanceScale: GUIDANCE_SCALE };
  await writeFile(join(folder, "job.json"), JSON.stringify(job));
  const wanted = Object.entries(feeds).filter(([name]) => ["latent", "text", "ids"].includes(name));
  await writeFeeds(join(folder, "inputs.safetensors"), Object.fromEntries(wanted));
}

/** Returns the relative difference of a result from the float32 values of a file; see `relativeDistance`. */
async function distance(result: Tensor, path: string): Promise<number> {
  const bytes = await readFile(path);
  const expected = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return relativeDistance(result.data as Float32Array, expected);
}

function extentOf(family: TimedModel, model: ModelFolder, subject: Subject): string {
  const video = subject === "decoder" ? family.decodedVideo : family.stepVideo;
  const decoder = latentDecoder(model.part("vae"));
  const dit = diffusionTransformer(model.part("transformer"), videoShape(decoder, family.stepVideo));
  if (subject === "text")
    return `1 of ${family.parts.text_encoder.config.num_layers} layers, ${dit.text.length} tokens`;
  if (subject === "decoder") return `${video.frames} frames of ${video.width}x${video.height}`;
  return (
    `${TIMED_BLOCKS} of ${publishedDepth(family)} blocks, ${dit.tokenFrames} x ${dit.tokensPerFrame} tokens, ` +
    `text of ${dit.text.length}`
  );
}
