import { readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildFull,
  diffusionTransformer,
  latentDecoder,
  type NamedWeights,
  textEncoder,
} from "../../../lib/generation/models/index.ts";
import { gaussianNoise } from "../../../lib/generation/sampling/index.ts";
import { type HeaderEntry, safetensors } from "../checkpoint/safetensors-file.ts";

/**
 * Model of the demo's architectures with random weights, a few hundred KB in total: 16x16 or 32x16 pixels, 4
 * frames or 1, prompts of up to 16 tokens.
 */
export const tinyIndex = {
  _class_name: "OpenSoraPipeline",
  transformer: ["adareel", "STDiT3"],
  text_encoder: ["transformers", "T5EncoderModel"],
  tokenizer: ["transformers", "T5Tokenizer"],
  vae: ["diffusers", "AutoencoderKL"],
  scheduler: ["adareel", "RFlowScheduler"],
  video: {
    sizes: [
      [16, 16],
      [32, 16],
    ],
    frames: [4, 1],
    fps: [8, 4],
    steps: 6,
    guidance_scale: 4,
  },
};

const textLength = 16;
const textWidth = 16;

const transformerConfig = {
  hidden_size: 32,
  depth: 2,
  num_heads: 2,
  mlp_ratio: 2,
  patch_size: [1, 2, 2],
  in_channels: 4,
  pred_sigma: true,
  caption_channels: textWidth,
  model_max_length: textLength,
  qk_norm: true,
  input_sq_size: 16,
};

const tokenizerFile = join(import.meta.dirname, "../../../models/demo/tokenizer/tokenizer.json");

const textEncoderConfig = {
  vocab_size: JSON.parse(readFileSync(tokenizerFile, "utf8")).model.vocab.length,
  d_model: textWidth,
  d_kv: 8,
  d_ff: 32,
  num_layers: 1,
  num_heads: 2,
  feed_forward_proj: "gated-gelu",
};

const vaeConfig = {
  latent_channels: 4,
  out_channels: 3,
  block_out_channels: [8, 8],
  layers_per_block: 1,
  norm_num_groups: 4,
  act_fn: "silu",
  up_block_types: ["UpDecoderBlock2D", "UpDecoderBlock2D"],
  scaling_factor: 1,
};

const schedulerConfig = {
  num_train_timesteps: 1000,
  base_resolution: 256,
  base_num_frames: 4,
  transform_scale: 2,
};

/** Writes the model to a new temporary folder, which the caller removes. Equal seeds give equal bytes. */
export async function writeTinyModel(seed = 1): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "adareel-tiny-model-"));
  const dit = diffusionTransformer(
    { className: "STDiT3", config: transformerConfig },
    { latent: { channels: 4, frames: 4, height: 8, width: 8 }, height: 16, width: 16, fps: 8 },
  );
  const encoder = textEncoder({ className: "T5EncoderModel", config: textEncoderConfig });
  const decoder = latentDecoder({ className: "AutoencoderKL", config: vaeConfig });
  const transformerShapes = shapesOf((weights) => buildFull(dit, { weights }));
  transformerShapes.set("y_embedder.y_embedding", [textLength, textWidth]);

  await writeJson(join(folder, "model_index.json"), tinyIndex);
  await writePart(join(folder, "transformer"), transformerConfig, randomWeights(transformerShapes, seed));
  await writePart(
    join(folder, "text_encoder"),
    textEncoderConfig,
    randomWeights(
      shapesOf((weights) => encoder.build(textLength, { weights })),
      seed + 1,
    ),
  );
  await writePart(
    join(folder, "vae"),
    vaeConfig,
    randomWeights(
      shapesOf((weights) => decoder.build({ frames: 1, height: 8, width: 8 }, { weights })),
      seed + 2,
    ),
    "diffusion_pytorch_model.safetensors",
  );
  await mkdir(join(folder, "scheduler"));
  await writeJson(join(folder, "scheduler/scheduler_config.json"), schedulerConfig);
  await mkdir(join(folder, "tokenizer"));
  await writeJson(join(folder, "tokenizer/tokenizer_config.json"), { eos_token: "</s>" });
  await copyFile(tokenizerFile, join(folder, "tokenizer/tokenizer.json"));
  return folder;
}

/** Makes a model one that has learnt whole words, and reports all others. */
export function limitToWords(folder: string): Promise<void> {
  const video = { ...tinyIndex.video, vocabulary: "words" };
  return writeJson(join(folder, "model_index.json"), { ...tinyIndex, video });
}

type Shapes = Map<string, readonly number[]>;

/** Records the weights that a builder declares. */
export function shapesOf(build: (weights: NamedWeights) => unknown): Shapes {
  const shapes: Shapes = new Map();
  build({
    has: () => true,
    info: (name) => ({ shape: shapes.get(name)! }),
    tensor(name, shape) {
      shapes.set(name, shape);
      return { dtype: "float32", shape, location: "unread", offset: 0, byteLength: 0 };
    },
  });
  return shapes;
}

/** Creates random weights that keep activations in range: norms near 1, matrices scaled by their number of inputs. */
function randomWeights(shapes: Shapes, seed: number): Buffer {
  const header: Record<string, HeaderEntry> = {};
  const values: Float32Array[] = [];
  let end = 0;
  for (const [name, shape] of shapes) {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const isNorm = shape.length === 1 && name.endsWith("weight");
    const inputs = shape.length === 1 ? 10 : size / shape[0]!;
    const noise = gaussianNoise(seed * 1000 + values.length, size);
    values.push(noise.map((value) => (isNorm ? 1 + value / 10 : value / Math.sqrt(inputs))));
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + 4 * size] };
    end += 4 * size;
  }
  return safetensors(header, Buffer.concat(values.map((value) => new Uint8Array(value.buffer))));
}

async function writePart(folder: string, config: object, weights: Buffer, file = "model.safetensors") {
  await mkdir(folder);
  await writeJson(join(folder, "config.json"), config);
  await writeFile(join(folder, file), weights);
}

export function writeJson(path: string, value: unknown): Promise<void> {
  return writeFile(path, JSON.stringify(value));
}
