import { add, Graph, mul, silu, type Value } from "../../onnx/index.ts";
import { causalLatentFrames, decoderNames, type LatentDecoder } from "../latent-decoder.ts";
import { asFrames, asVideo } from "../video-axes.ts";
import { type CausalLayers, causalLayers, norm, selfAttention } from "./causal-layers.ts";
import { causalRuns } from "./causal-runs.ts";

/** Members of a config that decoders of both of Wan's causal autoencoders need. */
export interface CausalDecoderConfig {
  readonly base_dim: number;
  readonly decoder_base_dim?: number | null | undefined;
  readonly z_dim: number;
  readonly dim_mult: readonly number[];
  readonly num_res_blocks: number;
  readonly temperal_downsample: readonly boolean[];
  readonly latents_mean: readonly number[];
  readonly latents_std: readonly number[];
  readonly out_channels: number;
}

/** End of a stage of the decoder. */
export interface StageEnd {
  /** Prefix of the names of the stage's weights. */
  readonly block: string;
  /** Input of the stage. */
  readonly before: Value;
  /** Channels of the stage. */
  readonly out: number;
  readonly doublesTime: boolean;
  readonly layers: CausalLayers;
  /** True if the run takes the state of the run before. */
  readonly continues: boolean;
}

/** Differences between the decoders of Wan 2.1 and of Wan 2.2 TI2V-5B. */
export interface CausalDecoderVariant {
  /** Pixels along one edge of a latent element. */
  readonly scale: number;
  /** Enlarges what the layers of a stage give; the last stage has no such end. */
  upsample(x: Value, stage: StageEnd): Value;
  /** Turns the frames that the last layer gives into pictures; by default they are pictures. */
  pictures?(frames: Value): Value;
}

/** Returns a decoder with the key names of diffusers' AutoencoderKLWan. No frame depends on a later one. */
export function causalDecoder(config: CausalDecoderConfig, variant: CausalDecoderVariant): LatentDecoder {
  const { scale, upsample, pictures = (frames) => frames } = variant;
  const rate = 2 ** config.temperal_downsample.filter(Boolean).length;
  return {
    channels: config.z_dim,
    scale,
    latentFrames: (frames) => causalLatentFrames(frames, rate),
    runs: ({ frames, height, width }) => causalRuns(frames, height * width * scale ** 2 * rate),
    build({ frames, height, width, continues = false, isContinued = false }, options) {
      const g = new Graph(options);
      const layers = causalLayers(g, { continues, isContinued });
      const { conv, resnet } = layers;
      const dim = config.decoder_base_dim ?? config.base_dim;
      const widths = config.dim_mult.toReversed().map((multiple) => multiple * dim);
      const upsamplesTime = config.temperal_downsample.toReversed();

      const latent = g.input(decoderNames.latent, "float32", [frames, config.z_dim, height, width]);
      let x = conv(asVideo(denormalised(latent, config)), "post_quant_conv", config.z_dim, 1);
      x = conv(x, "decoder.conv_in", widths[0]!);
      x = resnet(x, "decoder.mid_block.resnets.0", widths[0]!);
      x = selfAttention(x, "decoder.mid_block.attentions.0");
      x = resnet(x, "decoder.mid_block.resnets.1", widths[0]!);
      for (const [i, out] of widths.entries()) {
        const [block, before] = [`decoder.up_blocks.${i}`, x];
        for (let j = 0; j <= config.num_res_blocks; j++) x = resnet(x, `${block}.resnets.${j}`, out);
        if (i === widths.length - 1) break;
        x = upsample(x, { block, before, out, doublesTime: upsamplesTime[i] ?? false, layers, continues });
      }
      x = conv(silu(norm(x, "decoder.norm_out")), "decoder.conv_out", config.out_channels);
      g.output(decoderNames.frames, pictures(asFrames(x)));
      return g;
    },
  };
}

/** Returns z * std + mean of each channel. */
function denormalised(z: Value, { latents_std, latents_mean }: CausalDecoderConfig): Value {
  const perChannel = (values: readonly number[]) =>
    z.graph.constant(Float32Array.from(values), [1, values.length, 1, 1]);
  return add(mul(z, perChannel(latents_std)), perChannel(latents_mean));
}
