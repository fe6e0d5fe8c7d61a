import { add, Graph, mul, silu, type Value } from "../../onnx/index.ts";
import { causalLatentFrames, decoderNames, type LatentDecoder, PIXELS_PER_RUN } from "../latent-decoder.ts";
import { type StripEdges, stripsOf, wholePicture, windowOf } from "../strips.ts";
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
  readonly edges: StripEdges;
  /** Elements that the layers of the stage lost at an edge within the picture. */
  readonly lostInLayers: number;
  /** Elements that upsampling has to lose there, after doubling. */
  readonly lost: number;
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

/**
 * Returns a decoder with the key names of diffusers' AutoencoderKLWan. No frame depends on a later one.
 *
 * The layers up to the attention see whole pictures. All later ones are convolutions and normalisations of single
 * positions, so that large pictures are made in strips. A run hands the state of a strip to the next run, where that of
 * whole pictures would be most of the memory. Between them are features of the whole latent, 4 % of the work.
 */
export function causalDecoder(config: CausalDecoderConfig, variant: CausalDecoderVariant): LatentDecoder {
  const { scale, upsample, pictures = (frames) => frames } = variant;
  const rate = 2 ** config.temperal_downsample.filter(Boolean).length;
  const { margin, lost } = marginsOf(config);
  return {
    channels: config.z_dim,
    scale,
    latentFrames: (frames) => causalLatentFrames(frames, rate),
    runs({ frames, height, width }) {
      const pixels = height * width * scale ** 2 * rate;
      const runs = causalRuns(frames, pixels);
      const strips = stripsOf({ height, width }, margin);
      if (strips.length === 1 || frames * pixels <= PIXELS_PER_RUN) return runs;
      const passes = [{ makesFeatures: true }, ...strips.map((strip) => ({ takesFeatures: true, strip }))];
      return passes.flatMap((pass) => runs.map((run) => ({ ...run, ...pass })));
    },
    build(run, options) {
      const { frames, height, width, continues = false, isContinued = false, makesFeatures, strip } = run;
      const g = new Graph(options);
      const window = strip && windowOf(strip, margin, strip.axis === "height" ? height : width);
      const edges = window ?? wholePicture;
      const layers = causalLayers(g, { continues, isContinued, edges });
      const { conv, resnet } = layers;
      const dim = config.decoder_base_dim ?? config.base_dim;
      const widths = config.dim_mult.toReversed().map((multiple) => multiple * dim);

      if (window) {
        const features = g.input(decoderNames.features, "float32", [frames, widths[0]!, height, width]);
        const pictures = picturesOf(asVideo(window.cut(features)));
        g.output(decoderNames.frames, window.finished(pictures, scale));
      } else {
        const latent = g.input(decoderNames.latent, "float32", [frames, config.z_dim, height, width]);
        const features = featuresOf(latent);
        if (makesFeatures) g.output(decoderNames.features, asFrames(features));
        else g.output(decoderNames.frames, picturesOf(features));
      }
      return g;

      /** Returns features [1, C, F, H, W] of a latent. */
      function featuresOf(latent: Value): Value {
        let x = conv(asVideo(denormalised(latent, config)), "post_quant_conv", config.z_dim, 1);
        x = conv(x, "decoder.conv_in", widths[0]!);
        x = resnet(x, "decoder.mid_block.resnets.0", widths[0]!);
        x = selfAttention(x, "decoder.mid_block.attentions.0");
        return resnet(x, "decoder.mid_block.resnets.1", widths[0]!);
      }

      function picturesOf(features: Value): Value {
        let x = features;
        const upsamplesTime = config.temperal_downsample.toReversed();
        const lostInLayers = CONVOLUTIONS_PER_BLOCK * (config.num_res_blocks + 1);
        for (const [i, out] of widths.entries()) {
          const [block, before] = [`decoder.up_blocks.${i}`, x];
          for (let j = 0; j <= config.num_res_blocks; j++) x = resnet(x, `${block}.resnets.${j}`, out);
          if (i === widths.length - 1) break;
          const doublesTime = upsamplesTime[i] ?? false;
          const end = { block, before, out, doublesTime, layers, continues, edges, lostInLayers };
          x = upsample(x, { ...end, lost: lost[i]! });
        }
        x = conv(silu(norm(x, "decoder.norm_out")), "decoder.conv_out", config.out_channels);
        return pictures(asFrames(x));
      }
    },
  };
}

/** Number of convolutions of a residual block that see neighbours. */
const CONVOLUTIONS_PER_BLOCK = 2;

/**
 * Returns the margin of a strip, in elements of the features, and the elements that the end of each stage loses, after
 * doubling: one for its convolution, and another where half an element would be left over.
 */
function marginsOf({ dim_mult, num_res_blocks }: CausalDecoderConfig): {
  readonly margin: number;
  readonly lost: readonly number[];
} {
  const ofLayers = CONVOLUTIONS_PER_BLOCK * (num_res_blocks + 1);
  let margin = ofLayers + 1;
  const lost: number[] = [];
  for (let stage = dim_mult.length - 2; stage >= 0; stage--) {
    const before = Math.ceil((margin + 1) / 2);
    lost.unshift(2 * before - margin);
    margin = before + ofLayers;
  }
  return { margin, lost };
}

/** Returns z * std + mean of each channel. */
function denormalised(z: Value, { latents_std, latents_mean }: CausalDecoderConfig): Value {
  const perChannel = (values: readonly number[]) =>
    z.graph.constant(Float32Array.from(values), [1, values.length, 1, 1]);
  return add(mul(z, perChannel(latents_std)), perChannel(latents_mean));
}
