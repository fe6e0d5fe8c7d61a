import { join } from "node:path";
import { CheckpointError, type ModelFolder, type ModelPart } from "../../checkpoint/index.ts";
import type { TransformerWeights } from "../../lora/index.ts";
import {
  familyOf,
  precisionOf,
  type Recipe,
  type Sampling,
  type TextCondition,
  type TextStates,
  textEncoder,
} from "../../models/index.ts";
import {
  assertComputes,
  type Graph,
  openSession,
  type Precision,
  type Provider,
  precisionFault,
  type Session,
  SessionError,
  textProvider,
  unsupportedOperator,
} from "../../onnx/index.ts";
import { listedLoras, type ResolvedRequest } from "../../request/index.ts";
import { evenShares, linearQuadraticShares, type SamplerFactory, samplerOf } from "../../sampling/index.ts";
import { GenerationError } from "../errors.ts";
import { checkFinite } from "../finite.ts";
import { openTokenizer, type PromptTokenizer } from "../text/tokenizer.ts";
import { type FolderDescription, readDescription } from "./description.ts";
import {
  type FoundErrorTable,
  findErrorTable,
  type MadeFor,
  madeForOf,
  type TableModel,
} from "./error-table.ts";
import { folderNotes } from "./folder-notes.ts";
import { LoraShelf } from "./open-loras.ts";
import { checkIntegers, graphWeights, isLarge, type OpenedPart, withIntegers } from "./opened-part.ts";
import { type FoundPreviewMap, findPreviewMap } from "./preview-map.ts";
import { openVision, type Vision } from "./vision.ts";

export interface PipelineOptions {
  readonly provider?: Provider;
  /** Precision of the matrix products in the blocks of transformers; float16 on CUDA by default, float32 elsewhere. */
  readonly precision?: Precision;
  /** Threads for each operator; by default one for each core that this process may use. */
  readonly threads?: number;
  /**
   * Bytes of memory of the device that runs the model; on the CPU those of the machine by default. Parts stay open if
   * all fit, and are otherwise released after use (see residency.ts). On a GPU whose memory is not given, of two
   * transformers one is open at a time, and all other parts stay open.
   */
  readonly memoryBytes?: number;
  /** Bytes of weights from which sessions map them from their file instead of copying them; 512 MiB by default. */
  readonly mappedBytesMin?: number;
  /** Variant of the weights to prefer, such as `fp16`; by default those without a variant. */
  readonly variant?: string;
}

/** Text encoder states of a prompt; `isTruncated` is true if the prompt was too long and was cut. */
export interface EncodedPrompt extends TextStates {
  readonly isTruncated: boolean;
}

/** Facts that a transformer's condition says of how its texts are encoded. */
export type EncodedText = Pick<TextCondition, "length" | "encodesPadding">;

/** Parts of a model folder, with configurations and weight headers read. */
export interface ModelParts extends FolderDescription {
  readonly tokenizer: PromptTokenizer;
  readonly sampler: SamplerFactory;
  /** Returns the samplers of a request: those that the first of its LoRAs with a sampling of its own was made for. */
  samplerWith(request: Pick<ResolvedRequest, "loras">): SamplerFactory;
  /** Transformers in the order in which they denoise. */
  readonly transformers: readonly [OpenedPart, ...OpenedPart[]];
  /** Timestep under which the second transformer denoises; 0 if there is only one. */
  readonly boundaryTimestep: number;
  readonly vae: OpenedPart;
  /** Encoder of the pictures that transformers attend to; null for a model without one. */
  readonly vision: Vision | null;
  /** True if a guidance scale below 1 guides too. */
  readonly guidesBelowOne: boolean;
  readonly loras: LoraShelf;
  /** Notes on the folder for the user, one sentence each. */
  readonly folderNotes: readonly string[];
  /** Error table beside the model; null if there is none. */
  readonly errorTable: FoundErrorTable | null;
  /** Map of the autoencoder beside the model; null if there is none. */
  readonly previewMap: FoundPreviewMap | null;
  /** Returns what a table measured now would say that it was made for. */
  madeFor(): Promise<MadeFor>;
  readonly options: PipelineOptions;
  /** Opens the text encoder for prompts of at most `length` tokens before `encode` needs it. */
  openEncoder(length: number): Promise<Session>;
  /** Tells if the text encoder is open for prompts of that length. */
  isEncoderOpen(length: number): boolean;
  /** Returns the graph of the text encoder for prompts of at most `length` tokens. */
  encoderGraph(length: number): Graph;
  /**
   * Encodes a prompt of at most `length` tokens. Returns a row of states for each of its tokens, or the first `rows`
   * rows, in which the states of padding follow those of the prompt.
   */
  encode(prompt: string, text: EncodedText, rows?: number): Promise<EncodedPrompt>;
  /** Releases the text encoder. */
  release(): Promise<void>;
}

/**
 * Reads the configurations and weight headers of all parts; opens no session of the model.
 *
 * @throws CheckpointError or Error naming the part that cannot be used, SessionError for a precision that the provider
 *   lacks, and for a driver that computes wrongly
 */
export async function openParts(index: ModelFolder, options: PipelineOptions): Promise<ModelParts> {
  const fault = precisionFault(precisionOf(options), options.provider);
  if (fault !== undefined) throw new SessionError(fault);
  await assertComputes(options.provider);
  const isInteger = precisionOf(options) === "int8";
  const withWeights = async (name: string): Promise<OpenedPart> => {
    const part = index.part(name);
    return { ...part, weights: await part.checkpoint() };
  };
  const ownEncoderPart = await withWeights("text_encoder");
  // Of a small one sessions hold float32 copies, so that integers would save nothing.
  const readsIntegers = isInteger && isLarge(ownEncoderPart, options.mappedBytesMin);
  const encoderPart = readsIntegers ? await withIntegers(ownEncoderPart) : ownEncoderPart;
  const encoderWeights = graphWeights(encoderPart);
  const encoder = textEncoder(encoderPart);
  const tokenizerPart = index.part("tokenizer");
  const tokenizer = await openTokenizer(tokenizerPart.folder, tokenizerPart.config);
  let session: { length: number; opened: Session } | null = null;

  function encoderGraph(length: number): Graph {
    const given = { ...options, weights: encoderWeights, provider: textProvider(options.provider) };
    const graph = encoder.build(length, { ...given, readsIntegers });
    encoderPart.weights.checkAllUsed(encoder.otherTensors);
    return graph;
  }

  async function releaseEncoder(): Promise<void> {
    const { opened } = session ?? {};
    session = null;
    await opened?.release();
  }

  async function openEncoder(length: number): Promise<Session> {
    if (session?.length === length) return session.opened;
    await releaseEncoder();
    const opened = await openGraph(encoderGraph(length), encoderWeights, options);
    session = { length, opened };
    return opened;
  }

  const description = await readDescription(index.folder, index.index);
  const boundaryTimestep = boundaryOf(index);
  const openTransformer = async (name: string) => {
    const part = await withWeights(name);
    if (!isInteger) return part;
    const quantized = await withIntegers(part);
    checkIntegers(quantized, options.mappedBytesMin);
    return quantized;
  };
  const transformer = await openTransformer("transformer");
  const second = boundaryTimestep > 0 ? [await openTransformer("transformer_2")] : [];
  const transformers: ModelParts["transformers"] = [transformer, ...second];
  const vae = await withWeights(decoderPart(index));
  const scheduler = index.part("scheduler");
  const sampler = openSampler(scheduler, description.recipe);
  const tableModel: TableModel = {
    folder: index.folder,
    name: description.name,
    parts: [...transformers, encoderPart, vae],
    scheduler,
    precision: precisionOf(options),
  };
  return {
    ...description,
    tokenizer,
    sampler,
    samplerWith(request) {
      const { recipe, loraSampling, limits } = description;
      const samplings = listedLoras(request, limits).map(({ name }) => loraSampling.get(name));
      const own = samplings.find((sampling) => sampling);
      return own ? openSampler(scheduler, { ...recipe, sampling: { ...recipe.sampling, ...own } }) : sampler;
    },
    transformers,
    boundaryTimestep,
    vae,
    vision: await openVision(index),
    guidesBelowOne: familyOf(index.index)?.guidesBelowOne ?? false,
    loras: new LoraShelf(index.folder, transformers),
    folderNotes: folderNotes(
      description,
      [
        { name: "text_encoder", checkpoint: encoderPart.weights },
        ...transformers.map(({ weights }, i) => ({
          name: i === 0 ? "transformer" : "transformer_2",
          checkpoint: weights,
        })),
        { name: "vae", checkpoint: vae.weights },
      ],
      options.variant,
    ),
    errorTable: await findErrorTable(tableModel),
    previewMap: await findPreviewMap({ folder: index.folder, name: description.name, vae }),
    madeFor: () => madeForOf(tableModel),
    options,
    openEncoder,
    isEncoderOpen: (length) => session?.length === length,
    encoderGraph,
    async encode(prompt, { length, encodesPadding }, rows) {
      const opened = await openEncoder(length);
      const { ids, isTruncated } = tokenizer.tokenise(prompt, length);
      const out = await opened.run(encoder.feeds(ids, length, { encodesPadding }));
      const states = out.states!.data as Float32Array; // [1, length, D]
      const tokens = rows ?? ids.length;
      const data = states.slice(0, tokens * encoder.width);
      checkFinite(data, { subject: "The text encoder" });
      return { tokens, data, isTruncated: isTruncated || ids.length > tokens };
    },
    release: releaseEncoder,
  };
}

/**
 * Returns the name of the part that decodes: the decoder that the family prefers if the folder has it, otherwise `vae`.
 */
export function decoderPart({ index, partNames }: ModelFolder): string {
  const preferred = familyOf(index)?.unnamedDecoder;
  return preferred !== undefined && partNames.includes(preferred) ? preferred : "vae";
}

/**
 * Returns the samplers of a scheduler: with the shift of `flow_shift` for the sizes listed there, and with the stored
 * shift for all others. Noise levels are spaced as `noise_spacing` says. A `sampling` takes the place of the scheduler,
 * except for its shift where it has none.
 *
 * @throws CheckpointError if the scheduler is unknown or its configuration cannot be used
 */
export function openSampler(
  scheduler: ModelPart,
  { flow_shift, noise_spacing, sampling }: Pick<Recipe, "flow_shift" | "noise_spacing" | "sampling">,
): SamplerFactory {
  const replaced = replacedScheduler(scheduler, sampling);
  const sampler = (shift?: number) => {
    try {
      // A scheduler reads one of the two names and ignores the other.
      const shifts = shift === undefined ? {} : { flow_shift: shift, shift };
      const config = { ...replaced.config, ...shifts };
      if (noise_spacing === "linear-quadratic") checkUnshifted(config);
      return spaced(samplerOf({ ...replaced, config }), noise_spacing);
    } catch (cause) {
      const fault = (cause as Error).message;
      throw new CheckpointError(scheduler.folder, `the scheduler cannot be used: ${fault}`, { cause });
    }
  };
  const stored = sampler(sampling.shift);
  if (sampling.shift !== undefined) return stored;
  const shifted = new Map(Object.entries(flow_shift).map(([size, shift]) => [size, sampler(shift)]));
  return (run) => (shifted.get(`${run.width}x${run.height}`) ?? stored)(run);
}

function spaced(sampler: SamplerFactory, spacing: Recipe["noise_spacing"]): SamplerFactory {
  if (spacing === "scheduler") return sampler;
  const shares = (steps: number) =>
    spacing === "even" ? evenShares(steps, 1 / steps) : linearQuadraticShares(steps);
  return (run) => sampler({ ...run, shares: shares(run.steps) });
}

/**
 * Checks that a scheduler moves no noise level. The reference tells the model levels that are not shifted and steps
 * between shifted ones, which nobody can have meant.
 *
 * @throws Error
 */
function checkUnshifted({ shift, use_dynamic_shifting, shift_terminal }: ModelPart["config"]): void {
  const moving = {
    use_dynamic_shifting: use_dynamic_shifting === true,
    shift: shift !== undefined && shift !== 1,
    shift_terminal: Boolean(shift_terminal),
  };
  const [member] = Object.entries(moving).find(([, isMoving]) => isMoving) ?? [];
  if (member === undefined) return;
  throw new Error(
    `its ${member} moves noise levels, and this model's pipeline takes them unmoved: ` +
      "set use_dynamic_shifting to false, shift to 1 and shift_terminal to null",
  );
}

function replacedScheduler(
  { className, config }: Pick<ModelPart, "className" | "config">,
  { scheduler, sigmas }: Sampling,
): Pick<ModelPart, "className" | "config"> {
  if (scheduler === undefined && sigmas === undefined) return { className, config };
  const { flow_shift, shift = flow_shift } = config;
  return {
    className: scheduler ?? "FlowMatchEulerDiscreteScheduler",
    config: { ...(shift !== undefined && { shift }), ...(sigmas && { sigmas }) },
  };
}

/**
 * Returns the timestep under which the second transformer denoises, as in diffusers' WanPipeline; 0 if there is only
 * one.
 *
 * @throws CheckpointError
 */
function boundaryOf(index: ModelFolder): number {
  const { boundary_ratio: ratio } = index.index;
  const path = join(index.folder, "model_index.json");
  if (ratio === undefined || ratio === null) {
    if (!index.partNames.includes("transformer_2")) return 0;
    throw new CheckpointError(path, "boundary_ratio must say when transformer_2 takes over, and is missing");
  }
  if (typeof ratio !== "number" || !(ratio > 0 && ratio < 1))
    throw new CheckpointError(path, "boundary_ratio must be a number between 0 and 1");
  return ratio * TRAINING_TIMESTEPS;
}

const TRAINING_TIMESTEPS = 1000;

/**
 * Opens a session on a graph; `weights` are those that the graph was built from.
 *
 * @param keptOutputs as in `SessionOptions`; none by default
 * @throws GenerationError for an operator that the provider has no kernel for
 */
export async function openGraph(
  graph: Graph,
  weights: Pick<TransformerWeights, "root">,
  options: PipelineOptions,
  keptOutputs: readonly string[] = [],
): Promise<Session> {
  const { provider } = graph;
  const sessionOptions = {
    ...options,
    provider,
    weightsFolder: weights.root,
    weightBytes: graph.weightBytes,
  };
  try {
    const outputs = graph.model.outputs.map(({ name }) => name);
    return await openSession(graph.build(), {
      ...sessionOptions,
      keptOutputs: outputs.filter((name) => keptOutputs.includes(name)),
    });
  } catch (cause) {
    if (!(cause instanceof SessionError && cause.fault === "no_kernel")) throw cause;
    const operator = await unsupportedOperator(graph, sessionOptions);
    throw new GenerationError(
      `The provider ${provider} has no kernel for ${operator ?? "an operator of the model"}: take the provider cpu.`,
      { cause },
    );
  }
}
