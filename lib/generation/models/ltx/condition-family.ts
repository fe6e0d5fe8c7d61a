import type { Config, Family } from "../family.ts";
import { t5Tokenizer } from "../t5-xxl.ts";
import { T5_PARAMETERS, video } from "./published.ts";

/** Parameters of the decoder from 0.9.5 on. */
const VAE_PARAMETERS = 552_814_897;

function isDistilled({ _name_or_path }: Config): boolean {
  return typeof _name_or_path === "string" && /distilled/i.test(_name_or_path);
}

function is13B({ num_layers }: Config): boolean {
  return num_layers === 48;
}

/**
 * LTX-Video from 0.9.5 on, whose parts are those of the family LTX-Video. Its pipeline feeds the transformer in another
 * way (`feeding.ts`), spaces noise levels in its own way, and adds noise to a given first frame.
 *
 * The class alone cannot tell distilled weights from others: only the name of the repository does, where it is stored.
 */
export const ltxCondition: Family = {
  name: "LTX-Video from 0.9.5 on",
  pipelines: ["LTXConditionPipeline"],
  architectures: {},
  parts: "LTX-Video, T5 v1.1 XXL, its autoencoder of 0.9.5",
  sampler: "Euler, linear and then quadratic",
  recipe: { noise_spacing: "linear-quadratic", given_noise: 0.15 },
  supplements: [t5Tokenizer],
  // From memory: the repositories, and that text encoders have 32 bit and all else 16.
  models: [
    {
      // Timesteps, guidance and frames without noise: the example in diffusers' documentation of LTX-Video 0.9.7.
      title: "LTX-Video 0.9.8 13B distilled",
      matchesIndex: isDistilled,
      matchesTransformer: is13B,
      needs: {
        parameters: { transformer: 13_042_569_344, text_encoder: T5_PARAMETERS, vae: VAE_PARAMETERS },
        memoryGiB: { cpu: 51.8, gpu: 26.6, gpuOpen: 47.3 },
      },
      video: {
        ...video,
        steps: 8,
        guidance_scale: 1,
        given_noise: 0,
        sampling: { sigmas: [1, 0.993, 0.987, 0.981, 0.975, 0.909, 0.725, 3e-5], distilled: true },
      },
      hub: {
        name: "ltx-video-0.9.8-13b-distilled",
        gigabytes: 48,
        id: "Lightricks/LTX-Video-0.9.8-13B-distilled",
      },
    },
    {
      title: "LTX-Video 0.9.5",
      matchesTransformer: ({ num_layers }) => num_layers === 28,
      needs: {
        parameters: { transformer: 1_923_385_472, text_encoder: T5_PARAMETERS, vae: VAE_PARAMETERS },
        memoryGiB: { cpu: 9, gpu: 9.1, gpuOpen: 25.4 },
      },
      video,
      hub: { name: "ltx-video-0.9.5", gigabytes: 25, id: "Lightricks/LTX-Video-0.9.5" },
    },
    {
      title: "LTX-Video 0.9.7 13B",
      matchesTransformer: is13B,
      needs: {
        parameters: { transformer: 13_042_569_344, text_encoder: T5_PARAMETERS, vae: VAE_PARAMETERS },
        memoryGiB: { cpu: 51.8, gpu: 26.6, gpuOpen: 47.3 },
      },
      video,
      hub: { name: "ltx-video-0.9.7-13b", gigabytes: 48, id: "Lightricks/LTX-Video-0.9.7-dev" },
    },
  ],
};
