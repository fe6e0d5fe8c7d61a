import type { Config, PublishedModel } from "../family.ts";
import { sizesOf, type VideoMember } from "../video-member.ts";
import {
  FRAMES,
  hasTwoTransformers,
  LARGE,
  SMALL,
  shiftOf,
  takesPictures,
  UMT5_PARAMETERS,
  VAE_PARAMETERS,
  videoOf,
} from "./published.ts";

/** Parameters of the encoder of the autoencoder, which encodes pictures. */
const VAE_ENCODER_PARAMETERS = 53_596_928;

/** Parameters of CLIP's ViT-H/14 without its last layer, which is not run. */
const VISION_PARAMETERS = 611_086_080;

/** Parameters of a transformer of 14B that takes pictures in channels, and of one that also attends to them. */
const PARAMETERS_14B = 14_288_901_184;
const ATTENDING_14B = 16_394_878_784;
const PLACED_14B = 16_395_536_704;

const SHARED = { text_encoder: UMT5_PARAMETERS, vae: VAE_PARAMETERS + VAE_ENCODER_PARAMETERS };

/** Models that make videos of pictures and a prompt. */
export const pictureModels: readonly PublishedModel[] = [
  {
    // Wan-Video/Wan2.2, wan/configs/wan_i2v_A14B.py and SUPPORTED_SIZES. The scheduler of its folder has another shift.
    title: "Wan2.2 I2V A14B",
    needs: {
      parameters: { transformer: 2 * PARAMETERS_14B, ...SHARED },
      memoryGiB: { cpu: 67.5, gpu: 39, gpuOpen: 97.9 },
    },
    matchesIndex: (index) => takesPictures(index) && hasTwoTransformers(index),
    video: pictureVideoOf({
      steps: 40,
      guidance_scale: 3.5,
      guidance_scale_2: 3.5,
      flow_shift: shiftOf(5, [...SMALL, ...LARGE]),
      takes_last_image: true,
    }),
    hub: { name: "wan2.2-i2v-a14b", gigabytes: 126, id: "Wan-AI/Wan2.2-I2V-A14B-Diffusers" },
  },
  {
    // Wan-Video/Wan2.1, generate.py. Its folder differs from the 480P model's in the name alone.
    title: "Wan2.1 I2V 14B 720P",
    needs: {
      parameters: { transformer: ATTENDING_14B, image_encoder: VISION_PARAMETERS, ...SHARED },
      memoryGiB: { cpu: 94, gpu: 58.5, gpuOpen: 88.3 },
    },
    matchesIndex: (index) => takesPictures(index) && !hasTwoTransformers(index) && isNamed720P(index),
    matchesTransformer: (transformer) => attends(transformer) && !isPlaced(transformer),
    video: attendingVideo(LARGE, SMALL),
    hub: { name: "wan2.1-i2v-14b-720p", gigabytes: 91, id: "Wan-AI/Wan2.1-I2V-14B-720P-Diffusers" },
  },
  {
    title: "Wan2.1 I2V 14B 480P",
    needs: {
      parameters: { transformer: ATTENDING_14B, image_encoder: VISION_PARAMETERS, ...SHARED },
      memoryGiB: { cpu: 75.3, gpu: 43, gpuOpen: 62.8 },
    },
    matchesIndex: (index) => takesPictures(index) && !hasTwoTransformers(index),
    matchesTransformer: (transformer) => attends(transformer) && !isPlaced(transformer),
    video: attendingVideo(SMALL, LARGE),
    hub: { name: "wan2.1-i2v-14b-480p", gigabytes: 91, id: "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers" },
  },
  {
    // Wan-Video/Wan2.1, generate.py: steps and shift; guidance of the example in diffusers 0.42.1.
    title: "Wan2.1 FLF2V 14B 720P",
    needs: {
      parameters: { transformer: PLACED_14B, image_encoder: VISION_PARAMETERS, ...SHARED },
      memoryGiB: { cpu: 94, gpu: 58.5, gpuOpen: 88.3 },
    },
    matchesIndex: (index) => takesPictures(index) && !hasTwoTransformers(index),
    matchesTransformer: (transformer) => attends(transformer) && isPlaced(transformer),
    video: pictureVideoOf({
      sizes: sizesOf(...LARGE, ...SMALL),
      guidance_scale: 5.5,
      flow_shift: shiftOf(16, [...LARGE, ...SMALL]),
      takes_last_image: true,
      needs_last_image: true,
    }),
    hub: { name: "wan2.1-flf2v-14b", gigabytes: 91, id: "Wan-AI/Wan2.1-FLF2V-14B-720P-diffusers" },
  },
];

/** Returns the video of Wan 2.1 I2V, whose default size is the first one. */
function attendingVideo(first: readonly string[], second: readonly string[]): PublishedModel["video"] {
  return pictureVideoOf({
    sizes: sizesOf(...first, ...second),
    steps: 40,
    flow_shift: { ...shiftOf(5, LARGE), ...shiftOf(3, SMALL) },
  });
}

function pictureVideoOf(
  own: Pick<VideoMember, "flow_shift"> & Partial<VideoMember>,
): PublishedModel["video"] {
  return videoOf({
    sizes: sizesOf(...SMALL, ...LARGE),
    frames: FRAMES.filter((count) => count > 1),
    takes_image: true,
    needs_image: true,
    ...own,
  });
}

/** A folder of another model may have a configuration that names image_dim, and no such channels. */
function attends({ image_dim, in_channels }: Config): boolean {
  return typeof image_dim === "number" && in_channels === 36;
}

function isPlaced({ pos_embed_seq_len }: Config): boolean {
  return typeof pos_embed_seq_len === "number";
}

function isNamed720P({ _name_or_path }: Config): boolean {
  return typeof _name_or_path === "string" && /720p/i.test(_name_or_path);
}
