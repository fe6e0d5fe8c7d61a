import {
  blockCheckNames,
  buildBlockCheck,
  type CutOptions,
  type DiffusionTransformer,
  diffusionTransformer,
  type EncodedPictures,
  type Feeds,
  generationFeeds,
  latentDecoder,
  pictureNeeds,
  stepFeeds,
  type VideoShape,
} from "../../models/index.ts";
import { addsExactly, type Tensor } from "../../onnx/index.ts";
import { gaussianNoise } from "../../sampling/index.ts";
import { encodePrompts } from "../text/prompts.ts";
import { graphWeights, type OpenedPart } from "./opened-part.ts";
import { type ModelParts, openGraph } from "./parts.ts";

/** Errors of a transformer whose blocks multiply 8-bit integers, measured when the model was opened. */
export interface QuantizationCheck {
  /** Relative L2 error of what each block adds to the stream, in order, against float32. */
  readonly errors: readonly number[];
  /** Indices of the blocks that stay in float32, because their error is larger than `BLOCK_ERROR_MAX`. */
  readonly floatBlocks: ReadonlySet<number>;
}

/** Relative L2 error from which a block stays in float32. Blocks of normal numbers are off by 0.01 to 0.02. */
export const BLOCK_ERROR_MAX = 0.05;

/** Height and width of the latent that blocks are checked with; less if the model's videos are smaller. */
const LATENT_SIDE = 16;
const BATCH = 2;
/** Timestep in the middle of denoising, on the scale 0..1000. */
const TIMESTEP = 500;
const SEED = 1;
const PROMPT = "a red circle moves to the left";

/**
 * Compares every block of a model's transformers in 8-bit integers with the same block in float32.
 *
 * The blocks run one after another, each on its own, so that little memory is needed. They are given noise, and a
 * prompt that the text encoder reads: with noise in place of its states the blocks of the demo model are off by 0.13 to
 * 0.22, with a prompt by 0.01 to 0.03. The noise and the prompt are the same in every process, so that a seed gives the
 * same video in all of them.
 */
export async function checkQuantization(model: ModelParts): Promise<readonly QuantizationCheck[]> {
  const checks: QuantizationCheck[] = [];
  for (const part of model.transformers) {
    const transformer = diffusionTransformer(part, checkedVideo(model));
    checks.push(await checkBlocks(transformer, part, model));
  }
  return checks;
}

const SLOW =
  "Int8 gains little here: this processor is not known to have VNNI or AMX, which multiply 8-bit integers.";

/**
 * Returns sentences on what the checks found; none without checks.
 *
 * @param isFast true if the processor has instructions for products of 8-bit integers
 */
export function quantizationNotes(checks: readonly QuantizationCheck[], isFast = addsExactly()): string[] {
  const blocks = checks.flatMap(({ errors, floatBlocks }) =>
    errors.map((error, index) => ({ error, isFloat: floatBlocks.has(index) })),
  );
  const inInt8 = blocks.filter(({ isFloat }) => !isFloat);
  if (blocks.length === 0) return [];
  const worst = (of: typeof blocks) => `${(100 * Math.max(...of.map(({ error }) => error))).toFixed(1)} %`;
  const kept = blocks.length - inInt8.length;
  const inFloat =
    kept === 0
      ? []
      : [
          `${kept} of ${blocks.length} blocks ${kept === 1 ? "was" : "were"} computed in float32, because int8 would ` +
            `be up to ${worst(blocks)} off.`,
        ];
  if (inInt8.length === 0) return inFloat;
  return [
    `The blocks multiplied in int8: each is off float32 by at most ${worst(inInt8)}.`,
    ...inFloat,
    ...(isFast ? [] : [SLOW]),
  ];
}

/** Returns a small video of the shortest length that the model makes. */
function checkedVideo({ vae, limits, vision }: ModelParts): VideoShape {
  const { channels, scale, latentFrames } = latentDecoder(vae);
  const [width, height] = limits.sizes[0]!.map((side) => scale * Math.min(LATENT_SIDE, side / scale)) as [
    number,
    number,
  ];
  const frames = Math.min(...limits.frames);
  return {
    latent: { channels, frames: latentFrames(frames), height: height / scale, width: width / scale },
    ...{ frames, height, width, fps: limits.fps[0]! },
    hasLastPicture: limits.needs_last_image === true,
    ...(vision && { pictureTokens: vision.encoder.tokens }),
  };
}

async function checkBlocks(
  transformer: DiffusionTransformer,
  part: OpenedPart,
  model: ModelParts,
): Promise<QuantizationCheck> {
  const { options } = model;
  const weights = graphWeights(part);
  const cut: CutOptions = { ...options, weights, batch: BATCH };
  const feeds = await checkedFeeds(transformer, model);
  const errors: number[] = [];
  let stream: Tensor | undefined;
  for (let index = 0; index < transformer.blocks; index++) {
    const graph = buildBlockCheck(transformer, index, { ...cut, precision: "int8", stream: stream?.shape });
    const session = await openGraph(graph, weights, options);
    try {
      const fed: Feeds = stream ? { ...feeds, [blockCheckNames.stream]: stream } : feeds;
      const out = await session.run(fed);
      stream = out[blockCheckNames.streamAfter];
      errors.push(Number(out[blockCheckNames.error]!.data[0]!));
    } finally {
      await session.release();
    }
  }
  const tooLarge = [...errors.keys()].filter((index) => !(errors[index]! <= BLOCK_ERROR_MAX));
  return { errors, floatBlocks: new Set(tooLarge) };
}

async function checkedFeeds(
  { latent, conditions, text }: DiffusionTransformer,
  model: ModelParts,
): Promise<Feeds> {
  const { vision } = model;
  let stream = 0;
  const drawn = (...shape: number[]): Tensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    return { dtype: "float32", shape, data: gaussianNoise(SEED, count, stream++) };
  };
  const { channels, frames, height, width } = latent;
  const noise = drawn(1, channels, frames, height, width);
  const needs = pictureNeeds(conditions);
  const pictures = Math.min(...(needs?.counts ?? [1]).filter((count) => count > 0));
  const encoded: EncodedPictures = {
    latent: noise,
    states: vision && drawn(pictures, vision.encoder.tokens, vision.encoder.width),
  };
  const given = {
    texts: await encodePrompts(model, text, { prompt: PROMPT, negativePrompt: null, batch: BATCH }),
    ...(needs?.isWholeVideo && { pictures: encoded }),
  };
  return {
    latent: noise,
    ...generationFeeds(conditions, given),
    ...stepFeeds(conditions, TIMESTEP),
  };
}
