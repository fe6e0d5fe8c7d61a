import * as z from "zod";
import type { Config } from "../../checkpoint/index.ts";
import type { videoLimitsSchema } from "../../request/index.ts";

/**
 * What models of the hub can make and how they are asked for it, which their folders do not say. Whatever a folder does
 * say, in the member `video` of its `model_index.json`, goes before this table.
 */

/** How a prompt is rewritten before it is tokenised. */
export const captionStyles = ["verbatim", "lowercase", "tidy", "clean"] as const;

/** Members of `video` beside the limits of requests. */
export const recipeSchema = z.object({
  /** `clean` is the routine of DeepFloyd-IF, twice; `tidy` mends text and spaces, and keeps upper case. */
  caption: z.enum(captionStyles).default("verbatim"),
  /** Follows the prompt before it is rewritten, and no negative prompt. */
  prompt_suffix: z.string().max(200).default(""),
  /** Of the second of two transformers, as long as the first has the default guidance. */
  guidance_scale_2: z.number().optional(),
  /** In the place of the scheduler's, by the size of the video as `848x480`. */
  flow_shift: z.record(z.string(), z.number().positive()).default({}),
  /** [width, height] that transformer and sampler are told, by the size that a decoder makes of it. */
  nominal_size: z.record(z.string(), z.tuple([z.int().positive(), z.int().positive()])).default({}),
});

export type Recipe = Readonly<z.infer<typeof recipeSchema>>;

/** The member `video`: limits and recipe in one. */
export type VideoMember = Readonly<z.input<typeof videoLimitsSchema> & z.input<typeof recipeSchema>>;

interface Family {
  readonly pipeline: string;
  /** Whether the model may be of this family, by its index. */
  readonly of?: (index: Config) => boolean;
  /** Whether it is, by the configuration of its transformer. */
  readonly has?: (transformer: Config) => boolean;
  readonly video: VideoMember;
}

/** @see Its example in diffusers 0.42.1, `pipeline_wan.py`, and the cards of Wan-AI/Wan2.1-T2V-*-Diffusers */
const WAN_NEGATIVE =
  "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static, " +
  "overall gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly " +
  "drawn hands, poorly drawn faces, deformed, disfigured, misshapen limbs, fused fingers, still picture, messy " +
  "background, three legs, many people in the background, walking backwards";

const SMALL_WAN = ["832x480", "480x832"];
const LARGE_WAN = ["1280x720", "720x1280"];
/** 4 k + 1, for which the autoencoder has k + 1 latent frames; 81 by default. */
const WAN_FRAMES = [81, ...multiples(4, 76).map((frames) => frames + 1), 1];

const families: readonly Family[] = [
  {
    // diffusers' defaults, which are the authors': Vchitect/Latte, sample/sample_t2x.py and its t2x_sample.yaml.
    pipeline: "LattePipeline",
    video: video({
      sizes: ["512x512"],
      frames: [16, 1],
      fps: [8],
      steps: 50,
      guidance_scale: 7.5,
      caption: "clean",
    }),
  },
  {
    // hpcaitech/Open-Sora v1.2.0: configs/opensora-v1-2/inference/sample.py for steps, guidance and score,
    // datasets/aspect.py for sizes, utils/inference_utils.py for the suffix. Its 17 frames are 5 latent ones, of 8
    // pixels along an edge: what those leave of a size is cut off. AdaCache's demo has a score of 7.
    pipeline: "OpenSoraPipeline",
    // Not the demo model, which has no decoder over time and was trained on other prompts.
    of: ({ vae }) => Array.isArray(vae) && vae[1] !== "AutoencoderKL",
    video: video({
      sizes: [
        ...[
          "848x480",
          "480x848",
          "640x640",
          "424x240",
          "240x424",
          "320x320",
          "640x360",
          "360x640",
          "480x480",
        ],
        ...["1280x720", "720x1280", "960x960"],
      ],
      frames: [51, 17, 34, 68, 102, 204, 408],
      fps: [24],
      steps: 30,
      guidance_scale: 7,
      caption: "clean",
      prompt_suffix: " aesthetic score: 6.5.",
      takes_image: true,
      nominal_size: {
        "848x480": [854, 480],
        "480x848": [480, 854],
        "424x240": [426, 240],
        "240x424": [240, 426],
      },
    }),
  },
  ...[
    { latentFrames: 17, frames: 65 },
    { latentFrames: 56, frames: 221 },
  ].map(({ latentFrames, frames }) => ({
    // PKU-YuanGroup/Open-Sora-Plan v1.1.0, opensora/sample/sample_t2v.py; 150 steps from AdaCache's section 5.1.
    pipeline: "OpenSoraPlanPipeline",
    has: ({ video_length }: Config) => video_length === latentFrames,
    video: video({
      sizes: ["512x512"],
      frames: [frames],
      fps: [24],
      steps: 150,
      guidance_scale: 7.5,
      caption: "clean",
    }),
  })),
  {
    // Wan-Video/Wan2.2, wan/configs/wan_t2v_A14B.py. The scheduler of its folder on the hub has a shift of 3.
    pipeline: "WanPipeline",
    of: hasTwoTransformers,
    has: ({ num_layers }) => num_layers === 40,
    video: wan({
      sizes: [...LARGE_WAN, ...SMALL_WAN],
      steps: 40,
      guidance_scale: 4,
      guidance_scale_2: 3,
      flow_shift: shiftOf(12, [...LARGE_WAN, ...SMALL_WAN]),
    }),
  },
  {
    // Wan2.1-T2V-14B-Diffusers: its card, and SUPPORTED_SIZES of Wan-Video/Wan2.1.
    pipeline: "WanPipeline",
    of: (index) => !hasTwoTransformers(index),
    has: ({ num_layers }) => num_layers === 40,
    video: wan({
      sizes: [...LARGE_WAN, ...SMALL_WAN],
      flow_shift: { ...shiftOf(5, LARGE_WAN), ...shiftOf(3, SMALL_WAN) },
    }),
  },
  {
    // Wan2.1-T2V-1.3B-Diffusers, likewise.
    pipeline: "WanPipeline",
    of: (index) => !hasTwoTransformers(index),
    has: ({ num_layers, in_channels }) => num_layers === 30 && in_channels === 16,
    video: wan({ sizes: SMALL_WAN, flow_shift: shiftOf(3, SMALL_WAN) }),
  },
];

/** The pipelines of which models are known. */
export const knownPipelines: readonly string[] = [...new Set(families.map(({ pipeline }) => pipeline))];

/**
 * What is known of a model by its family; undefined for one of no family. The configuration of its transformer is read
 * where its index leaves several.
 */
export async function familyVideo(
  index: Config,
  readTransformer: () => Promise<Config>,
): Promise<VideoMember | undefined> {
  const candidates = families.filter(
    ({ pipeline, of }) => pipeline === index._class_name && (of?.(index) ?? true),
  );
  const transformer = candidates.some(({ has }) => has) ? await readTransformer() : {};
  return candidates.find(({ has }) => has?.(transformer) ?? true)?.video;
}

/** What transformer and sampler are told of the size of a video. */
export function nominalSize(
  { nominal_size }: Pick<Recipe, "nominal_size">,
  { width, height }: { readonly width: number; readonly height: number },
): { width: number; height: number } {
  const [nominalWidth, nominalHeight] = nominal_size[`${width}x${height}`] ?? [width, height];
  return { width: nominalWidth, height: nominalHeight };
}

function hasTwoTransformers({ boundary_ratio }: Config): boolean {
  return typeof boundary_ratio === "number";
}

type Written = Omit<VideoMember, "sizes"> & { readonly sizes: readonly string[] };

function video({ sizes, ...written }: Written): VideoMember {
  return { ...written, sizes: sizes.map((size) => size.split("x").map(Number) as [number, number]) };
}

function wan(written: Pick<Written, "sizes" | "flow_shift"> & Partial<Written>): VideoMember {
  return video({
    frames: WAN_FRAMES,
    fps: [16],
    steps: 50,
    guidance_scale: 5,
    negative_prompt: WAN_NEGATIVE,
    caption: "tidy",
    ...written,
  });
}

function shiftOf(shift: number, sizes: readonly string[]): Record<string, number> {
  return Object.fromEntries(sizes.map((size) => [size, shift]));
}

function multiples(of: number, most: number): number[] {
  return Array.from({ length: most / of }, (_, index) => of * (index + 1));
}
