import { basename, join, resolve } from "node:path";
import { z } from "zod";
import {
  type Checkpoint,
  CheckpointError,
  type Config,
  type ModelFolder,
  type ModelPart,
  readJsonFile,
} from "../checkpoint/index.ts";
import { type TextStates, textEncoder } from "../models/index.ts";
import { type Graph, openSession, type Provider, type Session } from "../onnx/index.ts";
import { type VideoLimits, videoLimitsSchema } from "../request/index.ts";
import { type SamplerFactory, samplerOf } from "../sampling/index.ts";
import { openTokenizer } from "./tokenizer.ts";

export interface PipelineOptions {
  readonly provider?: Provider;
  /** Threads inside one operator; by default one for each core this process may use. */
  readonly threads?: number;
}

/** The states of a prompt, and whether it lost its end. */
export interface EncodedPrompt extends TextStates {
  readonly isTruncated: boolean;
}

/** What a request has to know of a model. */
export interface ModelDescription {
  /** The last part of the folder's path. */
  readonly name: string;
  readonly limits: VideoLimits;
}

/** A model folder whose headers and configurations were read. */
export interface ModelParts extends ModelDescription {
  readonly sampler: SamplerFactory;
  readonly transformer: ModelPart & { weights: Checkpoint };
  readonly vae: ModelPart & { weights: Checkpoint };
  readonly options: PipelineOptions;
  /** Opens the text encoder for prompts of at most `length` tokens, so that `encode` need not. */
  openEncoder(length: number): Promise<Session>;
  /**
   * The states of a prompt of at most `length` tokens: a row for each of them, or the first `rows` of all `length`,
   * which go on with those of padding.
   */
  encode(prompt: string, length: number, rows?: number): Promise<EncodedPrompt>;
  release(): Promise<void>;
}

/**
 * A model's name and limits from its `model_index.json` alone: no part of the model is opened or need be there.
 *
 * @throws CheckpointError
 */
export async function describeModel(folder: string): Promise<ModelDescription> {
  return describe(folder, await readJsonFile(join(folder, "model_index.json")));
}

/** @throws CheckpointError or Error naming the part that cannot be used */
export async function openParts(index: ModelFolder, options: PipelineOptions): Promise<ModelParts> {
  const withWeights = async (name: string) => {
    const part = index.part(name);
    return { ...part, weights: await part.checkpoint() };
  };
  const encoderPart = await withWeights("text_encoder");
  const encoder = textEncoder(encoderPart);
  const tokenizerPart = index.part("tokenizer");
  const tokenizer = await openTokenizer(tokenizerPart.folder, tokenizerPart.config);
  let session: { length: number; opened: Session } | null = null;

  async function openEncoder(length: number): Promise<Session> {
    if (session?.length === length) return session.opened;
    await session?.opened.release();
    session = null;
    const graph = encoder.build(length, { weights: encoderPart.weights, ...options });
    encoderPart.weights.checkAllUsed(encoder.otherTensors);
    const opened = await openGraph(graph, encoderPart.weights, options);
    session = { length, opened };
    return opened;
  }

  return {
    ...describe(index.folder, index.index),
    sampler: openSampler(index.part("scheduler")),
    transformer: await withWeights("transformer"),
    vae: await withWeights("vae"),
    options,
    openEncoder,
    async encode(prompt, length, rows) {
      const opened = await openEncoder(length);
      const { ids, isTruncated } = tokenizer.tokenise(prompt, length);
      const out = await opened.run(encoder.feeds(ids, length));
      const states = out.states!.data as Float32Array; // [1, length, D]
      const tokens = rows ?? ids.length;
      const data = states.slice(0, tokens * encoder.width);
      return { tokens, data, isTruncated: isTruncated || ids.length > tokens };
    },
    release: async () => session?.opened.release(),
  };
}

/** @throws CheckpointError */
export function openSampler(scheduler: ModelPart): SamplerFactory {
  try {
    return samplerOf(scheduler);
  } catch (cause) {
    const fault = (cause as Error).message;
    throw new CheckpointError(scheduler.folder, `the scheduler cannot be used: ${fault}`, { cause });
  }
}

function describe(folder: string, index: Config): ModelDescription {
  const parsed = z.object({ video: videoLimitsSchema }).safeParse(index);
  if (parsed.success) return { name: basename(resolve(folder)), limits: parsed.data.video };
  const fault = firstFault(parsed.error);
  throw new CheckpointError(folder, `model_index.json does not say what the model can make: ${fault}`);
}

function firstFault(error: z.ZodError): string {
  const { path, message } = error.issues[0]!;
  return `${path.join(".")}: ${message}`;
}

/** Opens a graph over the weights it was built from. */
export function openGraph(graph: Graph, weights: Checkpoint, options: PipelineOptions): Promise<Session> {
  return openSession(graph.build(), {
    ...options,
    weightsFolder: weights.root,
    weightBytes: graph.weightBytes,
  });
}
