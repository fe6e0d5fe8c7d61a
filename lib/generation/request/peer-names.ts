import type { OtherNames } from "../../shared/sentences/index.ts";

/** Advice for requests that send what no video is made of. */
export const MADE_FROM = "videos are made from text, and from pictures as input_reference and last_image";

/** Field of ours that other services call by other names. */
interface OurField {
  readonly names: readonly string[];
  /** Form of its value, for a value of theirs that `ours` does not convert. */
  readonly form?: string;
  /** Converts their value to ours; undefined where that cannot be done, or where the value may be private. */
  ours?(theirs: unknown): number | string | undefined;
}

/** Names in other services' requests for a video, by our name for the same. None of them is accepted. */
const PEER_NAMES: Readonly<Record<string, OurField>> = {
  prompt: { names: ["text", "text_prompt", "prompt_text", "description"] },
  model: { names: ["model_id", "model_name"] },
  size: {
    names: ["aspect_ratio", "resolution", "dimensions", "video_size", "image_size"],
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
  fps: { names: ["framerate", "frames_per_second"], ours: numberOf },
  steps: {
    names: ["num_sampling_steps", "sample_steps", "inference_steps"],
    ours: numberOf,
  },
  guidance_scale: {
    names: ["guidance", "cfg", "guidance_strength", "sample_guide_scale"],
    ours: numberOf,
  },
  negative_prompt: { names: ["negative", "n_prompt", "neg_prompt"] },
  seed: { names: ["random_seed", "noise_seed"], ours: numberOf },
  metadata: { names: ["user_metadata", "tags"] },
  webhook_url: {
    names: ["webhook", "webhook_v2", "callback", "callback_url", "fal_webhook", "notify_url", "notify_hook"],
  },
  webhook_events: { names: ["webhook_events_filter"], form: 'such as ["video.completed"]' },
};

/**
 * Tells our name for a field that another service has under another one, also where ours is written differently, as
 * `negativePrompt` or `negative-prompt`.
 */
export const ourName: OtherNames = (name, siblings, known) => {
  const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replaceAll("-", "_");
  if (known.includes(snake)) return `write ${snake}`;
  const [ours, field] = Object.entries(PEER_NAMES).find(([, { names }]) => names.includes(snake)) ?? [];
  if (ours !== undefined && known.includes(ours)) {
    const value = field!.ours?.(siblings[name]);
    if (value !== undefined) return `write "${ours}": ${JSON.stringify(value)}`;
    return `write ${ours}${field!.form === undefined ? "" : `, ${field!.form}`}`;
  }
  return undefined;
};

function numberOf(theirs: unknown): number | undefined {
  if (typeof theirs === "number") return Number.isFinite(theirs) ? theirs : undefined;
  const [, digits] = (typeof theirs === "string" && /^(\d{1,6}(?:\.\d{1,3})?) ?s?$/.exec(theirs)) || [];
  return digits === undefined ? undefined : Number(digits);
}

function sizeOf(theirs: unknown): string | undefined {
  const [, w, h] = (typeof theirs === "string" && /^(\d{1,5}) ?[x*] ?(\d{1,5})$/i.exec(theirs)) || [];
  return w === undefined ? undefined : `${w}x${h}`;
}
