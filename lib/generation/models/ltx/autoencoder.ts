import {
  add,
  concat,
  Graph,
  mul,
  reshape,
  silu,
  sinusoid,
  slice,
  split,
  transpose,
  type Value,
} from "../../onnx/index.ts";
import { twoLayers } from "../blocks.ts";
import type { BuildOptions } from "../build-options.ts";
import { SINUSOID_WIDTH, scalarFrequencies } from "../embeddings.ts";
import {
  causalLatentFrames,
  decoderNames,
  type LatentDecoder,
  type LatentExtent,
} from "../latent-decoder.ts";
import { asVideo } from "../video-axes.ts";
import type { AutoencoderKLLTXConfig } from "./autoencoder-config.ts";
import { conv, type Modulation, pixelNorm, resnet, resnets } from "./autoencoder-layers.ts";

/**
 * Timestep and share of noise at which a decoder with `timestep_conditioning` gets its latent, on the scale 0 to 1.
 *
 * @see the examples in diffusers 0.42.1, `pipeline_ltx_condition.py`, and the cards of LTX-Video from 0.9.1 on
 */
const DECODED = { timestep: 0.05, noise: 0.025 };

/**
 * Decodes a latent in one run: every frame depends on those before and after it. The first latent frame becomes one
 * frame of the video, and every other eight.
 */
export function autoencoderKLLTXDecoder(config: AutoencoderKLLTXConfig): LatentDecoder {
  const { scale, rate } = compressionOf(config);
  return {
    channels: config.latent_channels,
    scale,
    takesNoise: config.timestep_conditioning,
    latentFrames: (frames) => causalLatentFrames(frames, rate),
    runs: ({ frames }) => [{ frames }],
    build: (extent, options) => buildDecoder(config, extent, options),
  };
}

/** Returns the pixels along one edge of a latent element, and the frames of the video for a latent frame. */
export function compressionOf(config: AutoencoderKLLTXConfig): { scale: number; rate: number } {
  const factor = 2 ** config.spatio_temporal_scaling.filter(Boolean).length;
  return {
    scale: config.spatial_compression_ratio ?? config.patch_size * factor,
    rate: config.temporal_compression_ratio ?? config.patch_size_t * factor,
  };
}

function buildDecoder(
  config: AutoencoderKLLTXConfig,
  { frames, height, width }: LatentExtent,
  options: BuildOptions,
): Graph {
  const g = new Graph(options);
  const { latent_channels: C, decoder_causal: isCausal, resnet_norm_eps: eps } = config;
  const shape = [frames, C, height, width];
  const latent = denormalised(g.input(decoderNames.latent, "float32", shape));
  const timestep = config.timestep_conditioning ? decodedSinusoid(g) : undefined;
  const noisy = timestep ? withNoise(latent, g.input(decoderNames.noise, "float32", shape)) : latent;

  const stages = config.decoder_block_out_channels.toReversed();
  const counts = config.decoder_layers_per_block.toReversed();
  const factors = config.upsample_factor.toReversed();
  const scales = config.decoder_spatio_temporal_scaling.toReversed();
  const hasResidual = config.upsample_residual.toReversed();

  let x = conv(asVideo(noisy), "decoder.conv_in", stages[0]!, { isCausal });
  x = block(x, "decoder.mid_block", counts[0]!);
  for (const [i, stage] of stages.entries()) {
    const name = `decoder.up_blocks.${i}`;
    const factor = factors[i]!;
    const [into, out] = [x.shape[1]!, stage].map((count) => Math.floor(count / factor));
    if (into !== out) x = resnet(x, `${name}.conv_in`, out!, { isCausal, eps });
    if (scales[i]) x = upsampled(x, `${name}.upsamplers.0`, { factor, hasResidual: hasResidual[i]! });
    x = block(x, name, counts[i + 1]!);
  }
  const { patch_size: p, out_channels } = config;
  const last = embedded("decoder", 2, x.shape[1]!);
  x = silu(pixelNorm(x, last && modulationsOf(last, "decoder")[0]));
  x = conv(x, "decoder.conv_out", out_channels * p ** 2, { isCausal });
  g.output(decoderNames.frames, unpatched(x, p));
  return g;

  /** Returns z * std / factor + mean of each channel. */
  function denormalised(z: Value): Value {
    const perChannel = (name: string) => reshape(g.weight(name, [C]), [1, C, 1, 1]);
    return add(mul(mul(z, perChannel("latents_std")), 1 / config.scaling_factor), perChannel("latents_mean"));
  }

  /** Applies the resnets of a block, which the timestep modulates if the decoder has one. */
  function block(x: Value, name: string, count: number): Value {
    const parameters = embedded(name, 4, x.shape[1]!);
    return resnets(x, name, count, (resnet) => {
      const modulations = parameters && (modulationsOf(parameters, resnet) as [Modulation, Modulation]);
      return { isCausal, eps, modulations };
    });
  }

  /** Embeds the timestep as parameters [count, width]; undefined if the decoder has none. */
  function embedded(name: string, count: number, width: number): Value | undefined {
    const embedder = `${name}.time_embedder.timestep_embedder`;
    return timestep && reshape(twoLayers(timestep, embedder, count * width, silu), [count, width]);
  }

  /** Returns shift and scale for each pair of rows of an embedded timestep, to which a table of the layer is added. */
  function modulationsOf(parameters: Value, name: string): Modulation[] {
    const [count, width] = parameters.shape as [number, number];
    const table = add(parameters, g.weight(`${name}.scale_shift_table`, [count, width]));
    const rows = split(table, 0, count).map((row) => reshape(row, [width, 1, 1, 1]));
    return Array.from({ length: count / 2 }, (_, i) => ({ shift: rows[2 * i]!, scale: rows[2 * i + 1]! }));
  }

  /** Doubles frames, height and width; the first frame stays one. */
  function upsampled(
    x: Value,
    name: string,
    { factor, hasResidual }: { factor: number; hasResidual: boolean },
  ): Value {
    return g.scope(name, () => {
      const made = rearranged(conv(x, `${name}.conv`, (x.shape[1]! * 8) / factor, { isCausal }));
      if (!hasResidual) return made;
      const shortcut = rearranged(x);
      const copies = Array<Value>(Math.floor(8 / factor)).fill(shortcut);
      return add(made, concat(copies as [Value, ...Value[]], 1));
    });
  }
}

/** Turns each eight channels of [1, C, F, H, W] into two frames of two rows and columns, and drops the first frame. */
function rearranged(x: Value): Value {
  const [, C, F, H, W] = x.shape as [number, number, number, number, number];
  const parts = transpose(reshape(x, [C / 8, 2, 2, 2, F, H, W]), [0, 4, 1, 5, 2, 6, 3]);
  return slice(reshape(parts, [1, C / 8, 2 * F, 2 * H, 2 * W]), 2, 1, 2 * F);
}

/** Turns channels [1, 3 * p * p, F, H, W], columns before rows, into frames [F, 3, H * p, W * p]. */
function unpatched(x: Value, p: number): Value {
  const [, C, F, H, W] = x.shape as [number, number, number, number, number];
  const colours = C / p ** 2;
  const pixels = transpose(reshape(x, [colours, p, p, F, H, W]), [3, 0, 4, 2, 5, 1]);
  return reshape(pixels, [F, colours, H * p, W * p]);
}

/** Mixes a latent with noise. */
function withNoise(latent: Value, noise: Value): Value {
  return add(mul(latent, 1 - DECODED.noise), mul(noise, DECODED.noise));
}

/** Returns the sinusoid of the timestep of decoding, whose unit is a weight of the decoder. */
function decodedSinusoid(g: Graph): Value {
  const timestep = mul(g.weight("decoder.timestep_scale_multiplier", []), DECODED.timestep);
  const half = SINUSOID_WIDTH / 2;
  const angles = mul(g.constant(scalarFrequencies(SINUSOID_WIDTH), [1, half]), timestep);
  return sinusoid(angles);
}
