import type { Config, PublishedModel } from "../family.ts";
import { sizesOf, type VideoMember } from "../video-member.ts";
import { FRAMES_5B, has48Channels, PARAMETERS_5B, RESIDUAL_VAE_PARAMETERS, SIZES_5B } from "./both-models.ts";
import { FRAMES, SMALL, UMT5_PARAMETERS, VAE_PARAMETERS, videoOf } from "./published.ts";

/**
 * Sampling of FastWan: the timesteps 1000, 757 and 522, which are these levels shifted by 8, for all its models.
 *
 * @see `DmdDenoisingStage` of FastVideo 0.2.1 and SGLang 0.5.23
 */
const DMD: VideoMember["sampling"] = {
  scheduler: "DMDScheduler",
  sigmas: [1, 0.28, 0.12],
  shift: 8,
  distilled: true,
};

function isDMD({ _class_name }: Config): boolean {
  return _class_name === "WanDMDPipeline";
}

/** Models that were distilled to few steps without guidance. Both make videos of a prompt alone. */
export const distilledModels: readonly PublishedModel[] = [
  {
    // FastVideo 0.2.1, fastvideo/pipelines/basic/wan/presets.py; its size is that of SGLang 0.5.23.
    title: "FastWan2.1 1.3B",
    needs: {
      parameters: { transformer: 1_418_996_800, text_encoder: UMT5_PARAMETERS, vae: VAE_PARAMETERS },
      memoryGiB: { cpu: 10.3, gpu: 10.8, gpuOpen: 19.1 },
    },
    matchesIndex: isDMD,
    matchesTransformer: ({ num_layers, in_channels }) => num_layers === 30 && in_channels === 16,
    video: videoOf({
      sizes: sizesOf(...SMALL),
      frames: [61, ...FRAMES.filter((count) => count !== 61)],
      steps: 3,
      guidance_scale: 1,
      flow_shift: {},
      sampling: DMD,
    }),
    hub: { name: "fastwan2.1-1.3b", gigabytes: 29, id: "FastVideo/FastWan2.1-T2V-1.3B-Diffusers" },
  },
  {
    title: "FastWan2.2 TI2V 5B",
    needs: {
      parameters: { transformer: PARAMETERS_5B, text_encoder: UMT5_PARAMETERS, vae: RESIDUAL_VAE_PARAMETERS },
      memoryGiB: { cpu: 28.2, gpu: 16.2, gpuOpen: 35.2 },
    },
    matchesIndex: isDMD,
    matchesTransformer: has48Channels,
    video: videoOf({
      sizes: sizesOf(...SIZES_5B),
      frames: FRAMES_5B,
      fps: [24],
      steps: 3,
      guidance_scale: 1,
      flow_shift: {},
      sampling: DMD,
    }),
    hub: {
      name: "fastwan2.2-ti2v-5b",
      gigabytes: 34,
      id: "FastVideo/FastWan2.2-TI2V-5B-FullAttn-Diffusers",
    },
  },
];
