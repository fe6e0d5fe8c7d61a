import type { OtherNames } from "../../shared/sentences/index.ts";

/** Advice for requests that send pictures or videos. */
export const TEXT_ALONE = "videos are made from text alone";

/** Field of ours that other services call by other names. */
interface OurField {
  readonly names: readonly string[];
  /** Form of its value, for a value of theirs that `ours` does not convert. */
  readonly form?: string;
  /** Converts their value to ours; undefined where that cannot be done, or where the value may be private. */
  ours?(theirs: unknown, siblings: Readonly<Record<string, unknown>>): number | string | undefined;
}

/** Names in other services' requests for a video, by our name for the same. None of them is accepted. */
const PEER_NAMES: Readonly<Record<string, OurField>> = {
  prompt: { names: ["text", "text_prompt", "prompt_text", "description"] },
  model: { names: ["model_id", "model_name"] },
  size: {
    names: ["aspect_ratio", "resolution", "width", "height", "dimensions", "video_size", "image_size"],
    form: "width x height in pixels, such as 64x64",
    ours: sizeOf,
  },
  seconds: {
    names: ["duration", "duration_seconds", "duration_s", "length", "num_seconds", "n_seconds"],
    form: "a number",
    ours: numberOf,
  },
  num_frames: {
    names: ["frames", "video_length", "frame_count", "number_of_frames", "n_frames"],
    ours: numberOf,
  },
  fps: { names: ["frame_rate", "framerate", "frames_per_second"], ours: numberOf },
  steps: {
    names: ["num_steps", "sampling_steps", "num_sampling_steps", "sample_steps", "inference_steps"],
    ours: numberOf,
  },
  guidance_scale: {
    names: ["guidance", "cfg", "cfg_scale", "true_cfg_scale", "guidance_strength", "sample_guide_scale"],
    ours: numberOf,
  },
  negative_prompt: { names: ["negative", "n_prompt", "neg_prompt"] },
  seed: { names: ["random_seed", "noise_seed"], ours: numberOf },
  cache: {
    names: ["cache_policy", "enable_teacache", "enable_cache_dit", "use_cache"],
    form: 'such as "fast" or "off"',
  },
  metadata: { names: ["user_metadata", "tags"] },
  webhook_url: {
    names: ["webhook", "webhook_v2", "callback", "callback_url", "fal_webhook", "notify_url", "notify_hook"],
  },
  webhook_events: { names: ["webhook_events_filter"], form: 'such as ["video.completed"]' },
};

/** Names for what no request has here, with what to do instead. */
const NOT_HERE: readonly { readonly names: readonly string[]; readonly advice: string }[] = [
  {
    names: [
      "n",
      "num_videos",
      "num_outputs",
      "num_outputs_per_prompt",
      "num_videos_per_prompt",
      "batch_size",
    ],
    advice: "a request makes one video, so send a request for each, with a seed of its own",
  },
  {
    names: [
      "image",
      "image_url",
      "input_image",
      "image_reference",
      "input_references",
      "frame_images",
      "first_frame",
      "last_frame",
      "start_image",
      "end_image",
      "first_frame_image",
      "last_frame_image",
      "video",
      "video_url",
      "input_video",
      "video_reference",
    ],
    advice: TEXT_ALONE,
  },
  { names: ["generate_audio", "generate_sound", "audio"], advice: "videos have no sound" },
  {
    names: ["input", "inputs", "parameters", "params", "arguments"],
    advice: "send its fields themselves, without an object around them",
  },
];

/**
 * Tells our name for a field that another service has under another one, also where ours is written differently, as
 * `negativePrompt` or `negative-prompt`.
 */
export const ourName: OtherNames = (name, siblings, known) => {
  const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replaceAll("-", "_");
  if (known.includes(snake)) return `write ${snake}`;
  const [ours, field] = Object.entries(PEER_NAMES).find(([, { names }]) => names.includes(snake)) ?? [];
  if (ours !== undefined && known.includes(ours)) {
    const value = field!.ours?.(siblings[name], siblings);
    if (value !== undefined) return `write "${ours}": ${JSON.stringify(value)}`;
    return `write ${ours}${field!.form === undefined ? "" : `, ${field!.form}`}`;
  }
  // Only requests for a video have a seed.
  if (!known.includes("seed")) return undefined;
  return NOT_HERE.find(({ names }) => names.includes(snake))?.advice;
};

function numberOf(theirs: unknown): number | undefined {
  if (typeof theirs === "number") return Number.isFinite(theirs) ? theirs : undefined;
  const [, digits] = (typeof theirs === "string" && /^(\d{1,6}(?:\.\d{1,3})?) ?s?$/.exec(theirs)) || [];
  return digits === undefined ? undefined : Number(digits);
}

function sizeOf(theirs: unknown, { width, height }: Readonly<Record<string, unknown>>): string | undefined {
  const [, w, h] = (typeof theirs === "string" && /^(\d{1,5}) ?[x*] ?(\d{1,5})$/i.exec(theirs)) || [];
  if (w !== undefined) return `${w}x${h}`;
  const isSide = (side: unknown) => Number.isInteger(side) && (side as number) > 0;
  return isSide(width) && isSide(height) ? `${width}x${height}` : undefined;
}
