import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { MADE_FROM } from "../../lib/generation/request/index.ts";
import { oneOf } from "../../lib/shared/sentences/index.ts";
import { FormFile } from "./middleware/form-file.ts";
import type { PictureField } from "./picture-fields.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Reading of a field of a peer: fields of ours that say the same, perhaps none, or why it is refused. */
type Taken = { readonly ours: Fields } | { readonly refusal: string };

/** Fields of other servers of `/v1/videos` that all mean the same here. */
export interface PeerField {
  readonly names: readonly string[];
  /** Servers whose requests have them, as of November 2026. */
  readonly of: string;
  /** Words on what happens to them here, for docs/migrating.md. */
  readonly here: string;
  /** Takes the value of the field `name`. Null leaves the field to our own of that name. */
  take(value: unknown, request: Fields, name: string): Taken | null;
}

/** Field that is another name of ours. Numbers may be texts, as their clients send them in forms. */
const renamed = (names: readonly string[], of: string, ours: string): PeerField => ({
  names,
  of,
  here: `taken as \`${ours}\``,
  take: (value) => ({ ours: { [ours]: numberIn(value) } }),
});

/** Field that is taken if it asks for what happens here anyway. */
const only = (
  names: readonly string[],
  of: string,
  { values, advice }: { readonly values: readonly (string | number | boolean)[]; readonly advice: string },
): PeerField => ({
  names,
  of,
  here: `taken as ${oneOf(values.map((value) => `\`${value}\``))}; else refused: ${advice}`,
  take: (value, _request, name) =>
    values.some((each) => isSame(each, value))
      ? { ours: {} }
      : { refusal: `${name} is only taken as ${oneOf(values.map(String))}: ${advice}.` },
});

/** Field that changes nothing here, whatever its value. */
const idle = (names: readonly string[], of: string, why: string): PeerField => ({
  names,
  of,
  here: `taken, without effect: ${why}`,
  take: () => ({ ours: {} }),
});

const refused = (names: readonly string[], of: string, advice: string): PeerField => ({
  names,
  of,
  here: `refused: ${advice}`,
  take: (_value, _request, name) => ({ refusal: `${name} is not supported: ${advice}.` }),
});

/** Values that a field of ours may have at a peer, and which mean that it is left out. */
const leftOut = (name: string, of: string, values: readonly string[]): PeerField => ({
  names: [name],
  of,
  here: `ours; ${oneOf(values.map((value) => `\`${value}\``))} as left out`,
  take: (value) => (values.includes(value as string) ? { ours: {} } : null),
});

/** Field that is another name of a picture of ours. */
const picture = (names: readonly string[], of: string, ours: PictureField): PeerField => ({
  names,
  of,
  here: `taken as \`${ours}\``,
  take: (value) => ({ ours: { [ours]: pictureIn(value) } }),
});

/** Fields of ours by the types of OpenRouter's frames. */
const FRAME_FIELDS: Readonly<Record<string, PictureField>> = {
  first_frame: "input_reference",
  last_frame: "last_image",
};

const CACHE = 'write cache, such as "auto" or "off"';
const ALL = "vLLM-Omni, SGLang, TensorRT-LLM";

export const PEER_FIELDS: readonly PeerField[] = [
  {
    names: ["width", "height"],
    of: ALL,
    here: "taken together as `size`",
    take(_value, { width, height }, name) {
      const sides = [width, height].map(numberIn);
      if (sides.some((side) => side === undefined || side === null))
        return { refusal: `${name} needs ${name === "width" ? "height" : "width"}: give both, or size.` };
      return { ours: { size: sides.join("x") } };
    },
  },
  renamed(["num_steps", "sampling_steps"], "clients of Wan", "steps"),
  renamed(["cfg_scale", "true_cfg_scale"], "QVAC, vLLM-Omni, SGLang", "guidance_scale"),
  renamed(["frame_rate"], "TensorRT-LLM", "fps"),
  renamed(["video_metadata"], "clients behind LiteLLM", "metadata"),
  leftOut("size", "TensorRT-LLM", ["auto"]),
  leftOut("quality", "OpenAI's pictures, LiteLLM", ["auto", "standard", "default"]),
  only(
    ["n", "num_outputs", "num_outputs_per_prompt", "num_videos_per_prompt", "num_videos", "batch_size"],
    ALL,
    {
      values: [1],
      advice: "a request makes one video, so send a request for each, with a seed of its own",
    },
  ),
  only(["response_format"], "TensorRT-LLM, LiteLLM", {
    values: ["url", "file"],
    advice: "a finished video has its url, and GET /v1/videos/{id}/content leads to the file",
  }),
  only(["format", "output_format"], "TensorRT-LLM", {
    values: ["mp4", "auto"],
    advice: "videos are MP4 files",
  }),
  only(["generate_sound", "generate_audio", "audio"], "vLLM-Omni", {
    values: [false],
    advice: "videos have no sound",
  }),
  only(["enhance_prompt", "prompt_extend"], "SGLang", {
    values: [false],
    advice: "the model reads the prompt as it is, so send the longer one",
  }),
  only(["enable_teacache", "enable_cache_dit", "use_cache"], "SGLang", { values: [false], advice: CACHE }),
  only(["enable_frame_interpolation"], "vLLM-Omni, SGLang", {
    values: [false],
    advice: "the model makes every frame, so ask for more with num_frames",
  }),
  only(["enable_upscaling"], "SGLang", {
    values: [false],
    advice: "GET /v1/models lists the sizes that a model makes",
  }),
  only(["guidance_rescale"], "TensorRT-LLM", { values: [0], advice: "guidance is not rescaled" }),
  only(["stream"], "OpenAI", { values: [false], advice: "ask GET /v1/videos/{id} for the progress" }),
  only(["task_type"], "SGLang", {
    values: ["t2v", "text_to_video", "i2v", "image_to_video"],
    advice: MADE_FROM,
  }),
  idle(["user"], "OpenAI, vLLM-Omni, LiteLLM", "`metadata` keeps and finds what is yours"),
  idle(["return_stage_metrics"], "vLLM-Omni", "`compute.seconds` always has the stages"),
  idle(["generator_device"], "SGLang", "a seed gives the same noise on every device"),
  refused(["cache_dit_params", "cfg_gate_step"], "SGLang", CACHE),
  refused(
    ["flow_shift"],
    "vLLM-Omni, SGLang, QVAC",
    "the shift is the model's own, in its scheduler_config.json",
  ),
  refused(["boundary_ratio"], "vLLM-Omni", "the boundary is the model's own, in its model_index.json"),
  refused(["max_sequence_length"], "SGLang, TensorRT-LLM", "the length of the text is the model's own"),
  refused(
    ["lora", "lora_path", "lora_nickname", "lora_scale", "lora_target"],
    "vLLM-Omni, SGLang",
    'write loras, such as [{"name": "...", "scale": 1}], with names that GET /v1/models lists',
  ),
  refused(
    ["frame_interpolation_exp", "frame_interpolation_scale", "frame_interpolation_model_path"],
    "vLLM-Omni, SGLang",
    "the model makes every frame, so ask for more with num_frames",
  ),
  refused(
    ["upscaling_scale", "upscaling_model_path"],
    "SGLang",
    "GET /v1/models lists the sizes that a model makes",
  ),
  refused(["short_edge"], "vLLM-Omni", "write size, width x height in pixels"),
  refused(
    ["output_quality", "output_compression", "x264_preset"],
    "SGLang",
    "the file is written with one quality for all",
  ),
  refused(["output_path"], "SGLang", "GET /v1/videos/{id}/content leads to the file"),
  refused(
    ["perf_dump_path", "profile", "profile_all_stages", "num_profiled_timesteps"],
    "SGLang",
    "the video's compute has the seconds of every stage",
  ),
  refused(["sound_duration"], "vLLM-Omni", "videos have no sound"),
  {
    names: ["input_reference", "last_image"],
    of: "OpenAI",
    here: "ours; `file_id` in it is refused: there is no store of files",
    take: (value, _request, name) =>
      isObject(value) && value.file_id !== undefined && value.file_id !== null
        ? {
            refusal: `${name}.file_id is not supported: there is no store of files, so send the picture itself or its URL.`,
          }
        : null,
  },
  picture(
    [
      "image",
      "image_url",
      "image_reference",
      "reference_url",
      "input_image",
      "first_frame",
      "first_frame_image",
      "start_image",
    ],
    "vLLM-Omni, SGLang, LiteLLM and others",
    "input_reference",
  ),
  picture(
    ["last_frame", "last_frame_image", "end_frame", "end_image", "tail_image"],
    "LiteLLM and others",
    "last_image",
  ),
  {
    names: ["frame_images"],
    of: "OpenRouter",
    here: "its `first_frame` is taken as `input_reference`, its `last_frame` as `last_image`",
    take(value) {
      const frames = Array.isArray(value) ? value.filter(isObject) : [];
      const ours = frames.map((frame) => [FRAME_FIELDS[String(frame.frame_type)], pictureIn(frame)] as const);
      const isRead = Array.isArray(value) && frames.length === value.length;
      if (
        !isRead ||
        ours.some(([name]) => name === undefined) ||
        new Set(ours.map(([name]) => name)).size < ours.length
      )
        return {
          refusal:
            "frame_images is only taken with one first_frame and one last_frame: write input_reference and last_image.",
        };
      return { ours: Object.fromEntries(ours) };
    },
  },
  refused(
    [
      "input_references",
      "video_reference",
      "audio_reference",
      "control_reference",
      "control_type",
      "source_video",
      "source_audio",
      "start_time_seconds",
      "video_url",
      "video_path",
      "strength",
      "video",
      "input_video",
      "characters",
    ],
    "vLLM-Omni, SGLang, QVAC, LiteLLM and others",
    MADE_FROM,
  ),
  refused(
    ["video_params", "diffusers_kwargs", "input", "inputs", "parameters", "params", "arguments"],
    "vLLM-Omni, SGLang, LiteLLM and others",
    "send its fields themselves, without an object around them",
  ),
];

const BY_NAME = new Map(PEER_FIELDS.flatMap((field) => field.names.map((name) => [name, field] as const)));

/**
 * Writes a request in our words where it has fields of a peer that mean the same here. Such a field counts as left out
 * if it is null or empty.
 *
 * @param known names of our fields that the request may have; others are not made
 * @param refuse is told of the first field that is refused, with the sentence that says what to do instead
 */
export function inOurWords(
  request: Fields,
  known: readonly string[],
  refuse: (name: string, sentence: string, code: "invalid_value" | "unsupported_parameter") => void,
): Fields {
  const given = Object.entries(request);
  const ours: Record<string, unknown> = Object.fromEntries(given.filter(([name]) => !BY_NAME.has(name)));
  const theirs = given.filter(([name]) => BY_NAME.has(name));
  // Our own fields come first, so that the others are compared with them.
  for (const [name, value] of theirs.toSorted(
    ([a], [b]) => Number(known.includes(b)) - Number(known.includes(a)),
  )) {
    const isLeftOut = !known.includes(name) && (value === null || value === "" || value === "null");
    const taken = isLeftOut ? { ours: {} } : BY_NAME.get(name)!.take(value, request, name);
    if (taken && "refusal" in taken) {
      refuse(name, taken.refusal, "unsupported_parameter");
      return request;
    }
    for (const [meant, theirValue] of Object.entries(taken?.ours ?? { [name]: value })) {
      if (!known.includes(meant)) ours[name] = value;
      else if (ours[meant] === undefined || ours[meant] === null) ours[meant] = theirValue;
      else if (!agree(ours[meant], theirValue)) {
        refuse(meant, `${meant} and ${name} say different things: give one of them.`, "invalid_value");
        return request;
      }
    }
  }
  return ours;
}

/** Adds `inOurWords` to the schema of a request, which describes itself as before. */
export function withPeerFields<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
): z.ZodType<z.output<z.ZodObject<Shape>>, z.input<z.ZodObject<Shape>>> {
  const known = Object.keys(schema.shape);
  const read = z.preprocess((request, context) => {
    if (typeof request !== "object" || request === null || Array.isArray(request)) return request;
    return inOurWords(request as Fields, known, (name, sentence, code) =>
      context.addIssue({
        code: "custom",
        path: [name],
        input: request,
        params: { sentence, code },
      }),
    );
  }, schema);
  // To clients, the request is what the schema says.
  return read as unknown as z.ZodType<z.output<z.ZodObject<Shape>>, z.input<z.ZodObject<Shape>>>;
}

/** Returns whether a value is the given one, perhaps as the text of a form. */
function isSame(value: unknown, other: unknown): boolean {
  const text = String(value).toLowerCase();
  return value === other || (typeof other === "string" && text === other.toLowerCase());
}

/** Returns the picture that a peer's field gives: an object may be JSON in a form, and hold `url`. */
function pictureIn(value: unknown): unknown {
  if (typeof value === "string" && /^\s*\{/.test(value)) {
    try {
      return pictureIn(JSON.parse(value));
    } catch {
      return value;
    }
  }
  if (!isObject(value)) return value;
  const url = value.image_url ?? value.url;
  return isObject(url) ? pictureIn(url) : (url ?? value);
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof FormFile);
}

function numberIn(value: unknown): unknown {
  return typeof value === "string" && /^\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : value;
}

function agree(ours: unknown, meant: unknown): boolean {
  const same = (value: unknown) => (typeof value === "string" ? value.toLowerCase() : value);
  return isDeepStrictEqual(same(numberIn(ours)), same(meant));
}
