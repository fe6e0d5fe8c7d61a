/**
 * Builds one graph of a model, opens it, runs it once, and prints what each took as JSON. A process of its own, so that
 * memory is that of one session: `node --expose-gc --import tsx session-probe.ts DIR full|reuse|decoder|text THREADS`.
 */
import { readFileSync } from "node:fs";
import { type Checkpoint, type ModelFolder, openModelFolder } from "../../lib/checkpoint/index.ts";
import {
  buildFull,
  buildReuse,
  cutNames,
  diffusionTransformer,
  latentDecoder,
  textEncoder,
} from "../../lib/models/index.ts";
import { type Graph, openSession, type Tensor } from "../../lib/onnx/index.ts";
import { videoLimitsSchema } from "../../lib/request/index.ts";
import type { SessionName, SessionProbe } from "./step-results.ts";

interface Part {
  readonly weights: Checkpoint;
  readonly build: () => Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const [folder, name, threads] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await probe(folder!, name as SessionName, Number(threads)))}\n`);
// Without waiting for the session's threads.
process.exit(0);

async function probe(folder: string, name: SessionName, threads: number): Promise<SessionProbe> {
  const { weights, build, feeds } = await openPart(await openModelFolder(folder), name);
  const beforeBuild = performance.now();
  const graph = build();
  const bytes = graph.build();
  const buildMs = performance.now() - beforeBuild;
  const before = residentBytes();
  const beforeOpen = performance.now();
  const session = await openSession(bytes, {
    threads,
    weightsFolder: weights.root,
    weightBytes: graph.weightBytes,
  });
  const openMs = performance.now() - beforeOpen;
  const opened = residentBytes();
  await session.run(feeds);
  const ran = residentBytes();
  return {
    build: buildMs,
    open: openMs,
    graphBytes: bytes.length,
    memory: before && opened && ran && { opened: added(before, opened), ran: added(before, ran) },
  };
}

/** One part of the model at its default size, with feeds that take as long as any. */
async function openPart(index: ModelFolder, name: SessionName): Promise<Part> {
  const limits = videoLimitsSchema.parse(index.index.video);
  const [width, height] = limits.sizes[0]!;
  const [frames, fps] = [limits.frames[0]!, limits.fps[0]!];
  const vae = index.part("vae");
  const decoder = latentDecoder(vae);
  const latent = {
    channels: decoder.channels,
    frames: decoder.latentFrames(frames),
    height: Math.floor(height / decoder.scale),
    width: Math.floor(width / decoder.scale),
  };
  const part = index.part("transformer");
  const dit = diffusionTransformer(part, { latent, height, width, fps });
  if (name === "text") {
    const part = index.part("text_encoder");
    const weights = await part.checkpoint();
    const encoder = textEncoder(part);
    const length = dit.textLength;
    return { weights, build: () => encoder.build(length, { weights }), feeds: encoder.feeds([1], length) };
  }
  if (name === "decoder") {
    const weights = await vae.checkpoint();
    const shape = [latent.frames, latent.channels, latent.height, latent.width];
    return { weights, build: () => decoder.build(latent, { weights }), feeds: { latent: zeros(shape) } };
  }
  const weights = await part.checkpoint();
  const text = await dit.nullText?.(weights, 1);
  if (!text) throw new Error("The probe needs a transformer that learnt what stands for no prompt.");
  const trunk = zeros([2, dit.tokens, dit.width]);
  return {
    weights,
    build: () => (name === "full" ? buildFull(dit, { weights }) : buildReuse(dit, { weights })),
    feeds: {
      ...dit.stepFeeds(500),
      ...dit.textFeeds(text, text),
      [cutNames.latent]: zeros([1, latent.channels, frames, latent.height, latent.width]),
      [cutNames.guidanceScale]: zeros([]),
      [cutNames.previousProbe]: trunk,
      [cutNames.residual]: trunk,
    },
  };
}

function zeros(shape: readonly number[]): Tensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return { dtype: "float32", shape, data: new Float32Array(length) };
}

/** Resident memory of this process: its own, and that of mapped files. Null where the system does not say. */
function residentBytes(): { anonymous: number; file: number } | null {
  if (process.platform !== "linux") return null;
  global.gc?.();
  const status = readFileSync("/proc/self/status", "utf8");
  const bytes = (field: string) =>
    1024 * Number(new RegExp(`^${field}:\\s*(\\d+) kB`, "m").exec(status)?.[1]);
  return { anonymous: bytes("RssAnon"), file: bytes("RssFile") };
}

type Resident = NonNullable<ReturnType<typeof residentBytes>>;

function added(from: Resident, to: Resident): Resident {
  return { anonymous: to.anonymous - from.anonymous, file: to.file - from.file };
}
