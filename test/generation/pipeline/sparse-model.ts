import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Benchmark, publishedModels } from "../../../lib/generation/models/index.ts";
import { type HeaderEntry, safetensors } from "../checkpoint/safetensors-file.ts";

/**
 * Checkpoints of the published sizes without their values: headers with every name, shape and type, and a
 * hole on disk for the data. Names and shapes are written down here, independent of the builders under test;
 * configurations are those of the families.
 */

type Tensors = Map<string, readonly number[]>;

interface SparsePart {
  readonly className: string;
  readonly config: object;
  readonly tensors: Tensors;
  readonly dtype: "F32" | "BF16";
  /** Number of files; a single file has no index. */
  readonly shards: number;
  readonly stem: "model" | "diffusion_pytorch_model";
}

export interface SparseModel {
  readonly index: Record<string, unknown>;
  readonly parts: Readonly<Record<string, SparsePart>>;
  readonly scheduler: object;
}

/** Writes the model. Its files take a few hundred KB of disk space. */
export function writeSparseModel(folder: string, { index, parts, scheduler }: SparseModel): void {
  const classes = Object.entries(parts).map(([name, { className }]) => [name, ["somewhere", className]]);
  mkdirSync(join(folder, "tokenizer"), { recursive: true });
  mkdirSync(join(folder, "scheduler"), { recursive: true });
  const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer/tokenizer.json");
  copyFileSync(tokenizer, join(folder, "tokenizer/tokenizer.json"));
  writeJson(join(folder, "tokenizer/tokenizer_config.json"), { eos_token: "</s>" });
  writeJson(join(folder, "scheduler/scheduler_config.json"), scheduler);
  writeJson(join(folder, "model_index.json"), {
    ...index,
    ...Object.fromEntries(classes),
    tokenizer: ["transformers", "T5Tokenizer"],
  });
  for (const [name, part] of Object.entries(parts)) writePart(join(folder, name), part);
  if (!parts.image_encoder) return;
  mkdirSync(join(folder, "image_processor"));
  writeJson(join(folder, "image_processor/preprocessor_config.json"), {
    image_processor_type: "CLIPImageProcessor",
  });
}

export function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value));
}

function writePart(folder: string, { config, tensors, dtype, shards, stem }: SparsePart): void {
  mkdirSync(folder);
  writeJson(join(folder, "config.json"), config);
  if (shards === 1) {
    writeHeader(join(folder, `${stem}.safetensors`), [...tensors], dtype);
    return;
  }
  const weightMap: Record<string, string> = {};
  const perShard = Math.ceil(tensors.size / shards);
  for (let i = 0; i < shards; i++) {
    const some = [...tensors].slice(i * perShard, (i + 1) * perShard);
    const number = (n: number) => String(n).padStart(5, "0");
    const file = `${stem}-${number(i + 1)}-of-${number(shards)}.safetensors`;
    writeHeader(join(folder, file), some, dtype);
    for (const [name] of some) weightMap[name] = file;
  }
  writeJson(join(folder, `${stem}.safetensors.index.json`), { metadata: {}, weight_map: weightMap });
}

function writeHeader(path: string, tensors: [string, readonly number[]][], dtype: "F32" | "BF16"): void {
  const header: Record<string, HeaderEntry> = {};
  let end = 0;
  for (const [name, shape] of tensors) {
    const start = end;
    end += (dtype === "F32" ? 4 : 2) * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const bytes = safetensors(header);
  writeFileSync(path, bytes);
  truncateSync(path, bytes.length + end);
}

/** Returns the published configurations of a model's parts. */
function published(title: string): Benchmark["parts"] {
  return publishedModels.find((model) => model.title === title)!.benchmark!.parts;
}

/** Returns the integers from 0 to `count - 1`. */
function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Adds weight [out, in, ...kernel] and bias [out] of a layer. */
function affine(tensors: Tensors, name: string, out: number, inputs: number, ...kernel: number[]): void {
  tensors.set(`${name}.weight`, [out, inputs, ...kernel]);
  tensors.set(`${name}.bias`, [out]);
}

function norm(tensors: Tensors, name: string, channels: number): void {
  tensors.set(`${name}.weight`, [channels]);
  tensors.set(`${name}.bias`, [channels]);
}

function stdit3(): SparsePart {
  const D = 1152;
  const t: Tensors = new Map([
    ["y_embedder.y_embedding", [300, 4096]],
    ["rope.freqs", [36]],
    ["final_layer.scale_shift_table", [2, D]],
  ]);
  affine(t, "x_embedder.proj", D, 4, 1, 2, 2);
  for (const name of ["t_embedder", "fps_embedder"]) {
    affine(t, `${name}.mlp.0`, D, 256);
    affine(t, `${name}.mlp.2`, D, D);
  }
  affine(t, "t_block.1", 6 * D, D);
  affine(t, "y_embedder.y_proj.fc1", D, 4096);
  affine(t, "y_embedder.y_proj.fc2", D, D);
  for (const block of range(28).flatMap((i) => [`spatial_blocks.${i}`, `temporal_blocks.${i}`])) {
    t.set(`${block}.scale_shift_table`, [6, D]);
    affine(t, `${block}.attn.qkv`, 3 * D, D);
    t.set(`${block}.attn.q_norm.weight`, [72]);
    t.set(`${block}.attn.k_norm.weight`, [72]);
    affine(t, `${block}.attn.proj`, D, D);
    affine(t, `${block}.cross_attn.q_linear`, D, D);
    affine(t, `${block}.cross_attn.kv_linear`, 2 * D, D);
    affine(t, `${block}.cross_attn.proj`, D, D);
    affine(t, `${block}.mlp.fc1`, 4 * D, D);
    affine(t, `${block}.mlp.fc2`, D, 4 * D);
  }
  affine(t, "final_layer.linear", 32, D);
  const config = published("Open-Sora 1.2").transformer.config;
  return { className: "STDiT3", config, tensors: t, dtype: "F32", shards: 1, stem: "model" };
}

function latte(className: "LatteTransformer3DModel" | "LatteT2V", videoLength: number): SparsePart {
  const D = 1152;
  const t: Tensors = new Map([["scale_shift_table", [2, D]]]);
  affine(t, "pos_embed.proj", D, 4, 2, 2);
  affine(t, "adaln_single.emb.timestep_embedder.linear_1", D, 256);
  affine(t, "adaln_single.emb.timestep_embedder.linear_2", D, D);
  affine(t, "adaln_single.linear", 6 * D, D);
  affine(t, "caption_projection.linear_1", D, 4096);
  affine(t, "caption_projection.linear_2", D, D);
  if (className === "LatteT2V") t.set("caption_projection.y_embedding", [120, 4096]);
  for (const stem of ["transformer_blocks", "temporal_transformer_blocks"]) {
    for (const block of range(28).map((i) => `${stem}.${i}`)) {
      t.set(`${block}.scale_shift_table`, [6, D]);
      for (const attention of stem === "transformer_blocks" ? ["attn1", "attn2"] : ["attn1"])
        for (const part of ["to_q", "to_k", "to_v", "to_out.0"])
          affine(t, `${block}.${attention}.${part}`, D, D);
      affine(t, `${block}.ff.net.0.proj`, 4 * D, D);
      affine(t, `${block}.ff.net.2`, D, 4 * D);
    }
  }
  affine(t, "proj_out", 32, D);
  const { config } = published(className === "LatteT2V" ? "Open-Sora-Plan 1.1" : "Latte-1").transformer;
  return {
    className,
    config: { ...config, video_length: videoLength },
    tensors: t,
    dtype: "F32",
    shards: 1,
    stem: "diffusion_pytorch_model",
  };
}

interface WanSize {
  readonly heads: number;
  readonly layers: number;
  readonly ffn: number;
  readonly shards: number;
  /** Pictures that it attends to; none by default. */
  readonly attendsTo?: 1 | 2;
  /** Channels that it takes; 16 by default. */
  readonly channels?: number;
  /** Channels that it gives; 16 by default. */
  readonly outChannels?: number;
  readonly className?: string;
  /** Members of the configuration that do not fit the tensors. */
  readonly wrong?: object;
}

function wan({ heads, layers, ffn, shards, attendsTo, ...rest }: WanSize): SparsePart {
  const { channels = 16, outChannels = 16, className = "WanTransformer3DModel", wrong } = rest;
  const D = heads * 128;
  const t: Tensors = new Map([["scale_shift_table", [1, 2, D]]]);
  affine(t, "patch_embedding", D, channels, 1, 2, 2);
  affine(t, "condition_embedder.time_embedder.linear_1", D, 256);
  affine(t, "condition_embedder.time_embedder.linear_2", D, D);
  affine(t, "condition_embedder.time_proj", 6 * D, D);
  affine(t, "condition_embedder.text_embedder.linear_1", D, 4096);
  affine(t, "condition_embedder.text_embedder.linear_2", D, D);
  for (const block of range(layers).map((i) => `blocks.${i}`)) {
    t.set(`${block}.scale_shift_table`, [1, 6, D]);
    for (const attention of ["attn1", "attn2"]) {
      for (const part of ["to_q", "to_k", "to_v", "to_out.0"])
        affine(t, `${block}.${attention}.${part}`, D, D);
      t.set(`${block}.${attention}.norm_q.weight`, [D]);
      t.set(`${block}.${attention}.norm_k.weight`, [D]);
    }
    if (attendsTo) {
      affine(t, `${block}.attn2.add_k_proj`, D, D);
      affine(t, `${block}.attn2.add_v_proj`, D, D);
      t.set(`${block}.attn2.norm_added_k.weight`, [D]);
    }
    norm(t, `${block}.norm2`, D);
    affine(t, `${block}.ffn.net.0.proj`, ffn, D);
    affine(t, `${block}.ffn.net.2`, D, ffn);
  }
  if (attendsTo) {
    const name = "condition_embedder.image_embedder";
    norm(t, `${name}.norm1`, 1280);
    affine(t, `${name}.ff.net.0.proj`, 1280, 1280);
    affine(t, `${name}.ff.net.2`, D, 1280);
    norm(t, `${name}.norm2`, D);
    if (attendsTo === 2) t.set(`${name}.pos_embed`, [1, 514, 1280]);
  }
  affine(t, "proj_out", 4 * outChannels, D);
  const config = {
    ...published("Wan2.1 1.3B").transformer.config,
    num_attention_heads: heads,
    num_layers: layers,
    ffn_dim: ffn,
    in_channels: channels,
    out_channels: outChannels,
    image_dim: attendsTo ? 1280 : null,
    added_kv_proj_dim: attendsTo ? D : null,
    pos_embed_seq_len: attendsTo === 2 ? 514 : null,
    ...wrong,
  };
  return { className, config, tensors: t, dtype: "F32", shards, stem: "diffusion_pytorch_model" };
}

function ltx({ isLarge = false } = {}): SparsePart {
  const [D, layers] = isLarge ? [4096, 48] : [2048, 28];
  const t: Tensors = new Map([["scale_shift_table", [2, D]]]);
  affine(t, "proj_in", D, 128);
  affine(t, "time_embed.emb.timestep_embedder.linear_1", D, 256);
  affine(t, "time_embed.emb.timestep_embedder.linear_2", D, D);
  affine(t, "time_embed.linear", 6 * D, D);
  affine(t, "caption_projection.linear_1", D, 4096);
  affine(t, "caption_projection.linear_2", D, D);
  for (const block of range(layers).map((i) => `transformer_blocks.${i}`)) {
    t.set(`${block}.scale_shift_table`, [6, D]);
    for (const attention of ["attn1", "attn2"]) {
      for (const part of ["to_q", "to_k", "to_v", "to_out.0"])
        affine(t, `${block}.${attention}.${part}`, D, D);
      t.set(`${block}.${attention}.norm_q.weight`, [D]);
      t.set(`${block}.${attention}.norm_k.weight`, [D]);
    }
    affine(t, `${block}.ff.net.0.proj`, 4 * D, D);
    affine(t, `${block}.ff.net.2`, D, 4 * D);
  }
  affine(t, "proj_out", 128, D);
  const { className, config } = published("LTX-Video 0.9.0").transformer;
  const size = { attention_head_dim: D / 32, cross_attention_dim: D, num_layers: layers };
  const stored = isLarge ? ({ dtype: "BF16", shards: 6 } as const) : ({ dtype: "F32", shards: 2 } as const);
  return {
    className,
    config: { ...config, ...size },
    tensors: t,
    ...stored,
    stem: "diffusion_pytorch_model",
  };
}

/** Returns the encoder of T5 v1.1 XXL or UMT5 XXL. */
function t5(className: "T5EncoderModel" | "UMT5EncoderModel", dtype: SparsePart["dtype"]): SparsePart {
  const isUMT5 = className === "UMT5EncoderModel";
  const vocabulary = isUMT5 ? 256384 : 32128;
  const t: Tensors = new Map([
    ["shared.weight", [vocabulary, 4096]],
    ["encoder.final_layer_norm.weight", [4096]],
  ]);
  for (const i of range(24)) {
    const [attention, feedForward] = [0, 1].map((layer) => `encoder.block.${i}.layer.${layer}`);
    for (const part of ["q", "k", "v", "o"]) t.set(`${attention}.SelfAttention.${part}.weight`, [4096, 4096]);
    if (i === 0 || isUMT5) t.set(`${attention}.SelfAttention.relative_attention_bias.weight`, [32, 64]);
    t.set(`${attention}.layer_norm.weight`, [4096]);
    t.set(`${feedForward}.layer_norm.weight`, [4096]);
    t.set(`${feedForward}.DenseReluDense.wi_0.weight`, [10240, 4096]);
    t.set(`${feedForward}.DenseReluDense.wi_1.weight`, [10240, 4096]);
    t.set(`${feedForward}.DenseReluDense.wo.weight`, [4096, 10240]);
  }
  const { config } = published(isUMT5 ? "Wan2.1 1.3B" : "Latte-1").text_encoder;
  return { className, config, tensors: t, dtype, shards: isUMT5 ? 5 : 2, stem: "model" };
}

/** Adds the autoencoder of Stable Diffusion; a single layer stands for its encoder. */
function klTensors(t: Tensors, root = ""): void {
  affine(t, `${root}encoder.conv_in`, 128, 3, 3, 3);
  affine(t, `${root}quant_conv`, 8, 8, 1, 1);
  affine(t, `${root}post_quant_conv`, 4, 4, 1, 1);
  affine(t, `${root}decoder.conv_in`, 512, 4, 3, 3);
  const resnet = (name: string, inputs: number, out: number) => {
    norm(t, `${name}.norm1`, inputs);
    affine(t, `${name}.conv1`, out, inputs, 3, 3);
    norm(t, `${name}.norm2`, out);
    affine(t, `${name}.conv2`, out, out, 3, 3);
    if (inputs !== out) affine(t, `${name}.conv_shortcut`, out, inputs, 1, 1);
  };
  for (const i of [0, 1]) resnet(`${root}decoder.mid_block.resnets.${i}`, 512, 512);
  norm(t, `${root}decoder.mid_block.attentions.0.group_norm`, 512);
  for (const part of ["to_q", "to_k", "to_v", "to_out.0"])
    affine(t, `${root}decoder.mid_block.attentions.0.${part}`, 512, 512);
  const channels = [512, 512, 256, 128];
  for (const [i, out] of channels.entries()) {
    const block = `${root}decoder.up_blocks.${i}`;
    for (const j of range(3)) resnet(`${block}.resnets.${j}`, j > 0 ? out : (channels[i - 1] ?? 512), out);
    if (i < 3) affine(t, `${block}.upsamplers.0.conv`, out, out, 3, 3);
  }
  norm(t, `${root}decoder.conv_norm_out`, 128);
  affine(t, `${root}decoder.conv_out`, 3, 128, 3, 3);
}

function autoencoderKL(): SparsePart {
  const t: Tensors = new Map();
  klTensors(t);
  const stem = "diffusion_pytorch_model";
  const { config } = published("Latte-1").vae;
  return { className: "AutoencoderKL", config, tensors: t, dtype: "F32", shards: 1, stem };
}

/** Returns the autoencoder of Open-Sora 1.2; a single layer stands for each of its encoders. */
function openSoraVAE(): SparsePart {
  const t: Tensors = new Map([
    ["scale", [1, 4, 1, 1, 1]],
    ["shift", [1, 4, 1, 1, 1]],
  ]);
  klTensors(t, "spatial_vae.module.");
  const root = "temporal_vae";
  affine(t, `${root}.encoder.conv_in.conv`, 128, 4, 3, 3, 3);
  affine(t, `${root}.quant_conv.conv`, 8, 8, 1, 1, 1);
  affine(t, `${root}.post_quant_conv.conv`, 4, 4, 1, 1, 1);
  affine(t, `${root}.decoder.conv1.conv`, 512, 4, 3, 3, 3);
  const resnet = (name: string, inputs: number, out: number) => {
    norm(t, `${name}.norm1`, inputs);
    t.set(`${name}.conv1.conv.weight`, [out, inputs, 3, 3, 3]);
    norm(t, `${name}.norm2`, out);
    t.set(`${name}.conv2.conv.weight`, [out, out, 3, 3, 3]);
    if (inputs !== out) t.set(`${name}.conv3.conv.weight`, [out, inputs, 1, 1, 1]);
  };
  for (const i of range(4)) resnet(`${root}.decoder.res_blocks.${i}`, 512, 512);
  const widths = [128, 256, 256, 512];
  for (const [level, out] of widths.entries())
    for (const i of range(4))
      resnet(`${root}.decoder.block_res_blocks.${level}.${i}`, i > 0 ? out : (widths[level + 1] ?? 512), out);
  affine(t, `${root}.decoder.conv_blocks.2.conv`, 1024, 512, 3, 3, 3);
  affine(t, `${root}.decoder.conv_blocks.1.conv`, 512, 256, 3, 3, 3);
  norm(t, `${root}.decoder.norm1`, 128);
  affine(t, `${root}.decoder.conv_out.conv`, 4, 128, 3, 3, 3);
  const { config } = published("Open-Sora 1.2").vae;
  return { className: "OpenSoraVAE_V1_2", config, tensors: t, dtype: "F32", shards: 1, stem: "model" };
}

/** Returns the causal autoencoder of Open-Sora-Plan 1.1; a single layer stands for its encoder. */
function causalVAE(): SparsePart {
  const t: Tensors = new Map();
  affine(t, "encoder.conv_in.conv", 128, 3, 3, 3, 3);
  affine(t, "quant_conv.conv", 8, 8, 1, 1, 1);
  affine(t, "post_quant_conv.conv", 4, 4, 1, 1, 1);
  affine(t, "decoder.conv_in.conv", 512, 4, 3, 3, 3);
  const resnet = (name: string, inputs: number, out: number) => {
    norm(t, `${name}.norm1`, inputs);
    affine(t, `${name}.conv1.conv`, out, inputs, 3, 3, 3);
    norm(t, `${name}.norm2`, out);
    affine(t, `${name}.conv2.conv`, out, out, 3, 3, 3);
    if (inputs !== out) affine(t, `${name}.nin_shortcut.conv`, out, inputs, 1, 1, 1);
  };
  for (const i of [1, 2]) resnet(`decoder.mid.block_${i}`, 512, 512);
  norm(t, "decoder.mid.attn_1.norm", 512);
  for (const part of ["q", "k", "v", "proj_out"])
    affine(t, `decoder.mid.attn_1.${part}.conv`, 512, 512, 1, 1, 1);
  const widths = [128, 256, 512, 512];
  for (const [level, out] of widths.entries()) {
    const name = `decoder.up.${level}`;
    for (const i of range(3)) resnet(`${name}.block.${i}`, i > 0 ? out : (widths[level + 1] ?? 512), out);
    if (level > 0) affine(t, `${name}.upsample.conv.conv`, out, out, 1, 3, 3);
    if (level > 1) affine(t, `${name}.time_upsample.conv.conv`, out, out, 3, 3, 3);
    if (level > 1) t.set(`${name}.time_upsample.mix_factor`, [1]);
  }
  norm(t, "decoder.norm_out", 128);
  affine(t, "decoder.conv_out.conv", 3, 128, 3, 3, 3);
  const stem = "diffusion_pytorch_model";
  const { config } = published("Open-Sora-Plan 1.1").vae;
  return { className: "CausalVAEModel", config, tensors: t, dtype: "F32", shards: 1, stem };
}

/** Returns the autoencoder of Wan 2.1; a single layer stands for its encoder, unless it has one. */
function autoencoderKLWan({ hasEncoder = false } = {}): SparsePart {
  const t: Tensors = new Map();
  affine(t, "encoder.conv_in", 96, 3, 3, 3, 3);
  affine(t, "quant_conv", 32, 32, 1, 1, 1);
  affine(t, "post_quant_conv", 16, 16, 1, 1, 1);
  affine(t, "decoder.conv_in", 384, 16, 3, 3, 3);
  for (const root of hasEncoder ? ["encoder", "decoder"] : ["decoder"]) {
    for (const i of [0, 1]) wanResnet(t, `${root}.mid_block.resnets.${i}`, 384, 384);
    t.set(`${root}.mid_block.attentions.0.norm.gamma`, [384, 1, 1]);
    affine(t, `${root}.mid_block.attentions.0.to_qkv`, 3 * 384, 384, 1, 1);
    affine(t, `${root}.mid_block.attentions.0.proj`, 384, 384, 1, 1);
  }
  if (hasEncoder) {
    const widths = [96, 96, 96, 192, 192, 192, 384, 384, 384, 384, 384]; // of each layer; every third one resamples
    for (const [i, out] of widths.entries()) {
      const block = `encoder.down_blocks.${i}`;
      const inputs = widths[i - 1] ?? 96;
      if (i % 3 !== 2) wanResnet(t, block, inputs, out);
      else affine(t, `${block}.resample.1`, out, out, 3, 3);
      if (i === 5 || i === 8) affine(t, `${block}.time_conv`, out, out, 3, 1, 1);
    }
    t.set("encoder.norm_out.gamma", [384, 1, 1, 1]);
    affine(t, "encoder.conv_out", 32, 384, 3, 3, 3);
  }
  const stages = [
    [384, 384],
    [192, 384],
    [192, 192],
    [96, 96],
  ] as const;
  for (const [i, [inputs, out]] of stages.entries()) {
    const block = `decoder.up_blocks.${i}`;
    for (const j of range(3)) wanResnet(t, `${block}.resnets.${j}`, j === 0 ? inputs : out, out);
    if (i < 3) affine(t, `${block}.upsamplers.0.resample.1`, out / 2, out, 3, 3);
    if (i < 2) affine(t, `${block}.upsamplers.0.time_conv`, 2 * out, out, 3, 1, 1);
  }
  t.set("decoder.norm_out.gamma", [96, 1, 1, 1]);
  affine(t, "decoder.conv_out", 3, 96, 3, 3, 3);
  const className = "AutoencoderKLWan";
  const { config } = published("Wan2.1 1.3B").vae;
  return { className, config, tensors: t, dtype: "F32", shards: 1, stem: "diffusion_pytorch_model" };
}

/** Returns the autoencoder of Wan 2.2 TI2V-5B; a single layer stands for its encoder. */
function residualWan(): SparsePart {
  const t: Tensors = new Map();
  affine(t, "encoder.conv_in", 160, 12, 3, 3, 3);
  affine(t, "quant_conv", 96, 96, 1, 1, 1);
  affine(t, "post_quant_conv", 48, 48, 1, 1, 1);
  affine(t, "decoder.conv_in", 1024, 48, 3, 3, 3);
  for (const i of [0, 1]) wanResnet(t, `decoder.mid_block.resnets.${i}`, 1024, 1024);
  t.set("decoder.mid_block.attentions.0.norm.gamma", [1024, 1, 1]);
  affine(t, "decoder.mid_block.attentions.0.to_qkv", 3 * 1024, 1024, 1, 1);
  affine(t, "decoder.mid_block.attentions.0.proj", 1024, 1024, 1, 1);
  const stages = [
    [1024, 1024],
    [1024, 1024],
    [1024, 512],
    [512, 256],
  ] as const;
  for (const [i, [inputs, out]] of stages.entries()) {
    const block = `decoder.up_blocks.${i}`;
    for (const j of range(3)) wanResnet(t, `${block}.resnets.${j}`, j === 0 ? inputs : out, out);
    if (i < 3) affine(t, `${block}.upsampler.resample.1`, out, out, 3, 3);
    if (i < 2) affine(t, `${block}.upsampler.time_conv`, 2 * out, out, 3, 1, 1);
  }
  t.set("decoder.norm_out.gamma", [256, 1, 1, 1]);
  affine(t, "decoder.conv_out", 12, 256, 3, 3, 3);
  const { config } = published("Wan2.2 TI2V 5B").vae;
  const className = "AutoencoderKLWan";
  return { className, config, tensors: t, dtype: "F32", shards: 1, stem: "diffusion_pytorch_model" };
}

function wanResnet(t: Tensors, name: string, inputs: number, out: number): void {
  t.set(`${name}.norm1.gamma`, [inputs, 1, 1, 1]);
  affine(t, `${name}.conv1`, out, inputs, 3, 3, 3);
  t.set(`${name}.norm2.gamma`, [out, 1, 1, 1]);
  affine(t, `${name}.conv2`, out, out, 3, 3, 3);
  if (inputs !== out) affine(t, `${name}.conv_shortcut`, out, inputs, 1, 1, 1);
}

/** Returns CLIP's vision tower of ViT-H/14. */
function clipVision(): SparsePart {
  const D = 1280;
  const embeddings = "vision_model.embeddings";
  const t: Tensors = new Map([
    [`${embeddings}.class_embedding`, [D]],
    [`${embeddings}.patch_embedding.weight`, [D, 3, 14, 14]],
    [`${embeddings}.position_embedding.weight`, [257, D]],
  ]);
  for (const name of ["pre_layrnorm", "post_layernorm"]) norm(t, `vision_model.${name}`, D);
  for (const layer of range(32).map((i) => `vision_model.encoder.layers.${i}`)) {
    for (const part of ["q_proj", "k_proj", "v_proj", "out_proj"])
      affine(t, `${layer}.self_attn.${part}`, D, D);
    for (const i of [1, 2]) norm(t, `${layer}.layer_norm${i}`, D);
    affine(t, `${layer}.mlp.fc1`, 4 * D, D);
    affine(t, `${layer}.mlp.fc2`, D, 4 * D);
  }
  const config = {
    hidden_size: D,
    intermediate_size: 4 * D,
    num_hidden_layers: 32,
    num_attention_heads: 16,
    image_size: 224,
    patch_size: 14,
    hidden_act: "gelu",
  };
  return { className: "CLIPVisionModel", config, tensors: t, dtype: "F32", shards: 1, stem: "model" };
}

/** Returns the autoencoder of LTX-Video 0.9.0; a single layer stands for its encoder. */
function autoencoderKLLTX(): SparsePart {
  const t: Tensors = new Map([
    ["latents_mean", [128]],
    ["latents_std", [128]],
  ]);
  affine(t, "encoder.conv_in.conv", 128, 48, 3, 3, 3);
  affine(t, "decoder.conv_in.conv", 512, 128, 3, 3, 3);
  const resnet = (name: string, inputs: number, out: number) => {
    affine(t, `${name}.conv1.conv`, out, inputs, 3, 3, 3);
    affine(t, `${name}.conv2.conv`, out, out, 3, 3, 3);
    if (inputs === out) return;
    norm(t, `${name}.norm3`, inputs);
    affine(t, `${name}.conv_shortcut.conv`, out, inputs, 1, 1, 1);
  };
  for (const i of range(4)) resnet(`decoder.mid_block.resnets.${i}`, 512, 512);
  const widths = [512, 512, 256, 128];
  for (const [i, out] of widths.entries()) {
    const block = `decoder.up_blocks.${i}`;
    const before = widths[i - 1] ?? 512;
    if (before !== out) resnet(`${block}.conv_in`, before, out);
    if (i > 0) affine(t, `${block}.upsamplers.0.conv.conv`, 8 * out, out, 3, 3, 3);
    for (const j of range(i === 3 ? 4 : 3)) resnet(`${block}.resnets.${j}`, out, out);
  }
  affine(t, "decoder.conv_out.conv", 48, 128, 3, 3, 3);
  const { className, config } = published("LTX-Video 0.9.0").vae;
  return { className, config, tensors: t, dtype: "F32", shards: 1, stem: "diffusion_pytorch_model" };
}

/** Returns the autoencoder of LTX-Video 0.9.5, whose configuration `convert_ltx_to_diffusers.py` of diffusers has. */
function autoencoderKLLTX095(): SparsePart {
  const t: Tensors = new Map([
    ["latents_mean", [128]],
    ["latents_std", [128]],
    ["decoder.timestep_scale_multiplier", []],
  ]);
  affine(t, "encoder.conv_in.conv", 128, 48, 3, 3, 3);
  affine(t, "decoder.conv_in.conv", 1024, 128, 3, 3, 3);
  const told = (name: string, width: number) => {
    affine(t, `${name}.time_embedder.timestep_embedder.linear_1`, width, 256);
    affine(t, `${name}.time_embedder.timestep_embedder.linear_2`, width, width);
  };
  const resnets = (block: string, width: number) => {
    told(block, 4 * width);
    for (const name of range(5).map((i) => `${block}.resnets.${i}`)) {
      t.set(`${name}.scale_shift_table`, [4, width]);
      for (const layer of ["conv1", "conv2"]) affine(t, `${name}.${layer}.conv`, width, width, 3, 3, 3);
    }
  };
  resnets("decoder.mid_block", 1024);
  for (const [i, width] of [512, 256, 128].entries()) {
    const block = `decoder.up_blocks.${i}`;
    affine(t, `${block}.upsamplers.0.conv.conv`, 8 * width, 2 * width, 3, 3, 3);
    resnets(block, width);
  }
  told("decoder", 2 * 128);
  t.set("decoder.scale_shift_table", [2, 128]);
  affine(t, "decoder.conv_out.conv", 48, 128, 3, 3, 3);
  const config = {
    in_channels: 3,
    out_channels: 3,
    latent_channels: 128,
    block_out_channels: [128, 256, 512, 1024, 2048],
    down_block_types: Array(4).fill("LTXVideo095DownBlock3D"),
    decoder_block_out_channels: [256, 512, 1024],
    layers_per_block: [4, 6, 6, 2, 2],
    decoder_layers_per_block: [5, 5, 5, 5],
    spatio_temporal_scaling: Array(4).fill(true),
    decoder_spatio_temporal_scaling: Array(3).fill(true),
    decoder_inject_noise: Array(4).fill(false),
    downsample_type: ["spatial", "temporal", "spatiotemporal", "spatiotemporal"],
    upsample_residual: Array(3).fill(true),
    upsample_factor: [2, 2, 2],
    timestep_conditioning: true,
    patch_size: 4,
    patch_size_t: 1,
    resnet_norm_eps: 1e-6,
    scaling_factor: 1,
    encoder_causal: true,
    decoder_causal: false,
    spatial_compression_ratio: 32,
    temporal_compression_ratio: 8,
  };
  const stored = { dtype: "F32", shards: 1, stem: "diffusion_pytorch_model" } as const;
  return { className: "AutoencoderKLLTXVideo", config, tensors: t, ...stored };
}

/** Returns a folder of LTX-Video from 0.9.5 on. */
function ltxCondition(size: { isLarge: boolean }, more: Record<string, unknown> = {}): SparseModel {
  return {
    index: {
      _class_name: "LTXConditionPipeline",
      scheduler: ["diffusers", "FlowMatchEulerDiscreteScheduler"],
      ...more,
    },
    parts: { transformer: ltx(size), text_encoder: t5("T5EncoderModel", "F32"), vae: autoencoderKLLTX095() },
    scheduler: { use_dynamic_shifting: false, shift: 1, shift_terminal: null },
  };
}

const video = (sizes: number[][], frames: number[], fps: number, steps: number, guidance: number) => ({
  sizes,
  frames,
  fps: [fps],
  steps,
  guidance_scale: guidance,
});

const ddim = { beta_start: 1e-4, beta_end: 0.02, beta_schedule: "linear", clip_sample: false };
const unipc = { prediction_type: "flow_prediction", use_flow_sigmas: true, flow_shift: 3 };
const wanVideo = video([[832, 480]], [81], 16, 50, 5);
const wan14B: WanSize = { heads: 40, layers: 40, ffn: 13824, shards: 12 };
const wan5B: WanSize = { heads: 24, layers: 30, ffn: 14336, shards: 3, channels: 48, outChannels: 48 };

function skyReels(): SparseModel["parts"] {
  return {
    transformer: wan({ ...wan14B, className: "SkyReelsV2Transformer3DModel" }),
    text_encoder: t5("UMT5EncoderModel", "BF16"),
    vae: autoencoderKLWan(),
  };
}

/** Returns a model of 14B that attends to pictures. */
function wanAttending(attendsTo: 1 | 2, more: object = {}): SparseModel {
  return {
    index: {
      _class_name: "WanImageToVideoPipeline",
      scheduler: ["diffusers", "UniPCMultistepScheduler"],
      image_processor: ["transformers", "CLIPImageProcessor"],
      boundary_ratio: null,
      transformer_2: [null, null],
      ...more,
    },
    parts: {
      transformer: wan({ ...wan14B, channels: 36, attendsTo }),
      text_encoder: t5("UMT5EncoderModel", "BF16"),
      image_encoder: clipVision(),
      vae: autoencoderKLWan({ hasEncoder: true }),
    },
    scheduler: unipc,
  };
}

/** Models by their usual names. */
export const sparseModels = {
  "latte-1": {
    index: {
      _class_name: "LattePipeline",
      scheduler: ["diffusers", "DDIMScheduler"],
      video: video([[512, 512]], [16], 8, 50, 7.5),
    },
    parts: {
      transformer: latte("LatteTransformer3DModel", 16),
      text_encoder: t5("T5EncoderModel", "F32"),
      vae: autoencoderKL(),
    },
    scheduler: ddim,
  },
  "wan2.1-1.3b": {
    index: {
      _class_name: "WanPipeline",
      scheduler: ["diffusers", "UniPCMultistepScheduler"],
      video: wanVideo,
    },
    parts: {
      transformer: wan({ heads: 12, layers: 30, ffn: 8960, shards: 2 }),
      text_encoder: t5("UMT5EncoderModel", "F32"),
      vae: autoencoderKLWan(),
    },
    scheduler: unipc,
  },
  "wan2.1-14b": {
    index: {
      _class_name: "WanPipeline",
      scheduler: ["diffusers", "UniPCMultistepScheduler"],
      video: wanVideo,
    },
    parts: {
      transformer: wan(wan14B),
      text_encoder: t5("UMT5EncoderModel", "BF16"),
      vae: autoencoderKLWan(),
    },
    scheduler: unipc,
  },
  "wan2.2-a14b": {
    index: {
      _class_name: "WanPipeline",
      scheduler: ["diffusers", "UniPCMultistepScheduler"],
      boundary_ratio: 0.875,
      video: wanVideo,
    },
    parts: {
      transformer: wan(wan14B),
      transformer_2: wan(wan14B),
      text_encoder: t5("UMT5EncoderModel", "BF16"),
      vae: autoencoderKLWan(),
    },
    scheduler: unipc,
  },
  // A copy on the hub describes an image branch that the weights do not have.
  "wan2.2-ti2v-5b": {
    index: {
      _class_name: "WanPipeline",
      scheduler: ["diffusers", "UniPCMultistepScheduler"],
      boundary_ratio: null,
      expand_timesteps: true,
      transformer_2: [null, null],
      video: video([[1280, 704]], [121], 24, 50, 5),
    },
    parts: {
      transformer: wan({ ...wan5B, wrong: { image_dim: 1280, added_kv_proj_dim: 5120 } }),
      text_encoder: t5("UMT5EncoderModel", "BF16"),
      vae: residualWan(),
    },
    scheduler: unipc,
  },
  "fastwan2.1-1.3b": {
    index: { _class_name: "WanDMDPipeline", scheduler: ["diffusers", "UniPCMultistepScheduler"] },
    parts: {
      transformer: wan({ heads: 12, layers: 30, ffn: 8960, shards: 2 }),
      text_encoder: t5("UMT5EncoderModel", "F32"),
      vae: autoencoderKLWan(),
    },
    scheduler: unipc,
  },
  "fastwan2.2-ti2v-5b": {
    index: {
      _class_name: "WanDMDPipeline",
      scheduler: ["diffusers", "UniPCMultistepScheduler"],
      expand_timesteps: true,
    },
    parts: { transformer: wan(wan5B), text_encoder: t5("UMT5EncoderModel", "BF16"), vae: residualWan() },
    scheduler: unipc,
  },
  "skyreels-v2-14b-540p": {
    index: { _class_name: "SkyReelsV2Pipeline", scheduler: ["diffusers", "UniPCMultistepScheduler"] },
    parts: skyReels(),
    scheduler: unipc,
  },
  "skyreels-v2-14b-720p": {
    index: {
      _class_name: "SkyReelsV2Pipeline",
      _name_or_path: "Skywork/SkyReels-V2-T2V-14B-720P-Diffusers",
      scheduler: ["diffusers", "UniPCMultistepScheduler"],
    },
    parts: skyReels(),
    scheduler: unipc,
  },
  "wan2.2-i2v-a14b": {
    index: {
      _class_name: "WanImageToVideoPipeline",
      scheduler: ["diffusers", "UniPCMultistepScheduler"],
      boundary_ratio: 0.9,
      image_encoder: [null, null],
      image_processor: [null, null],
    },
    parts: {
      transformer: wan({ ...wan14B, channels: 36 }),
      transformer_2: wan({ ...wan14B, channels: 36 }),
      text_encoder: t5("UMT5EncoderModel", "BF16"),
      vae: autoencoderKLWan({ hasEncoder: true }),
    },
    scheduler: unipc,
  },
  "wan2.1-i2v-14b-480p": wanAttending(1),
  "wan2.1-i2v-14b-720p": wanAttending(1, { _name_or_path: "Wan-AI/Wan2.1-I2V-14B-720P-Diffusers" }),
  "wan2.1-flf2v-14b": wanAttending(2),
  "open-sora-1.2": {
    index: {
      _class_name: "OpenSoraPipeline",
      scheduler: ["adareel", "RFlowScheduler"],
      video: video(
        [
          [848, 480],
          [1280, 720],
        ],
        [51],
        24,
        30,
        7,
      ),
    },
    parts: { transformer: stdit3(), text_encoder: t5("T5EncoderModel", "BF16"), vae: openSoraVAE() },
    scheduler: {},
  },
  // The index has no limits, so those of the family apply.
  "open-sora-plan-1.1": {
    index: { _class_name: "OpenSoraPlanPipeline", scheduler: ["diffusers", "PNDMScheduler"] },
    parts: {
      transformer: latte("LatteT2V", 17),
      text_encoder: t5("T5EncoderModel", "BF16"),
      vae: causalVAE(),
    },
    scheduler: {},
  },
  "ltx-video-0.9.0": {
    index: { _class_name: "LTXPipeline", scheduler: ["diffusers", "FlowMatchEulerDiscreteScheduler"] },
    parts: { transformer: ltx(), text_encoder: t5("T5EncoderModel", "F32"), vae: autoencoderKLLTX() },
    scheduler: {
      use_dynamic_shifting: true,
      base_shift: 0.95,
      max_shift: 2.05,
      base_image_seq_len: 1024,
      max_image_seq_len: 4096,
      shift_terminal: 0.1,
    },
  },
  "ltx-video-0.9.5": ltxCondition({ isLarge: false }),
  "ltx-video-0.9.7-13b": ltxCondition({ isLarge: true }),
  "ltx-video-0.9.8-13b-distilled": ltxCondition(
    { isLarge: true },
    { _name_or_path: "Lightricks/LTX-Video-0.9.8-13B-distilled" },
  ),
} satisfies Record<string, SparseModel>;
