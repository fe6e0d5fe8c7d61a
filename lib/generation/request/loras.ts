import * as z from "zod";
import { listed, nearest, quoted, wordings } from "../../shared/sentences/index.ts";
import { type ListedLora, LORA_NAME, type VideoLimits } from "./limits.ts";
import { parameter } from "./parameter.ts";
import { RequestError } from "./request-error.ts";

/** Number of LoRAs that a request may name. */
const LORAS_MAX = 8;
/** Largest scale, either way: adapters are trained for 1. */
const SCALE_MAX = 10;

const name = z
  .string()
  .regex(LORA_NAME)
  .register(wordings, { is: "a name of the model's list, which GET /v1/models tells" });
const settings = {
  scale: z.number().min(-SCALE_MAX).max(SCALE_MAX).optional(),
  transformer: z.union([z.literal(1), z.literal(2)]).optional(),
};
const askedLora = z.union([name, z.strictObject({ name, ...settings })]);
/** LoRA that is asked for on the command line, where files may be named by their paths. */
const outsideLora = z.union([
  askedLora,
  z.strictObject({ file: z.string().min(1), ...settings }),
]) as unknown as typeof askedLora;

const storedLora = z.object({
  /** Name in the model's list; of a file, its path without folder and ending. */
  name: z.string(),
  /** Path of a file or folder that is not in the model's list. No request through the API has one. */
  file: z.string().optional(),
  scale: z.number(),
  /** The transformer that it changes, 1 or 2; both if it is absent. */
  transformer: z.int().optional(),
});

/** LoRA of a resolved request. */
export type RequestedLora = Readonly<z.infer<typeof storedLora>>;

const toldLora = z.object({
  name: z.string(),
  scale: z.number(),
  transformer: z
    .int()
    .optional()
    .describe("The only transformer that it changes; absent for all of the model."),
});

export const lorasParameter = parameter({
  asked: z.array(askedLora).max(LORAS_MAX),
  askedOutside: z.array(outsideLora).max(LORAS_MAX),
  text:
    "LoRAs of the model's list: their names, or objects with `name`, `scale` (1 when left out; 0 is off) and, for a model " +
    "of two transformers, `transformer` (1 or 2; both when left out).",
  takenBy: ["create", "trigger"],
  /** Records of earlier builds lack it. */
  stored: { loras: z.array(storedLora).default([]) },
  read: (asked) => ({ loras: asked.map(storedOf) }),
  byDefault: () => ({ loras: [] }),
  check: ({ loras }: { loras: readonly RequestedLora[] }, limits) => {
    for (const lora of loras) checkListed(lora, limits);
  },
  told: {
    schema: z.array(toldLora),
    value: ({ loras }) =>
      loras.map(({ name, scale, transformer }) => ({
        name,
        scale,
        ...(transformer !== undefined && { transformer }),
      })),
  },
  flags: [
    {
      name: "lora",
      takes: outsideLora,
      reads: { kind: "parsed", parse: parseFlag },
      isRepeatable: true,
      value: "NAME[:SCALE[:1|2]]",
      text:
        "LoRA of the model's list, or path of a .safetensors file; SCALE is 1 if left out, and 1 or 2 names the only " +
        "transformer that it changes; may be given several times",
    },
  ],
});

/** Reads `NAME[:SCALE[:1|2]]`. A text with a slash, or that ends in .safetensors, is a path. */
function parseFlag(text: string, path: (text: string) => string): unknown {
  const [, which = text, scale, transformer] = /^(.+?)(?::(-?\d+(?:\.\d+)?)(?::([12]))?)?$/.exec(text) ?? [];
  const isPath = /[/\\]|\.safetensors$/i.test(which);
  return {
    ...(isPath ? { file: path(which) } : { name: which }),
    ...(scale !== undefined && { scale: Number(scale) }),
    ...(transformer !== undefined && { transformer: Number(transformer) }),
  };
}

type AskedLora =
  | string
  | { name: string; scale?: number | undefined; transformer?: 1 | 2 | undefined; file?: string };

function storedOf(asked: AskedLora): RequestedLora {
  const { name, file, scale = 1, transformer } = typeof asked === "string" ? { name: asked } : asked;
  const which = file === undefined ? { name } : { name: nameOfFile(file), file };
  return { ...which, scale, ...(transformer !== undefined && { transformer }) };
}

function nameOfFile(path: string): string {
  return path
    .split(/[/\\]/)
    .at(-1)!
    .replace(/\.safetensors$/i, "");
}

/** @throws RequestError if the model's list lacks a LoRA, or the model has no second transformer */
function checkListed(lora: RequestedLora, { loras: list = [], guidance_scale_2 }: VideoLimits): void {
  if (lora.transformer === 2 && guidance_scale_2 === undefined)
    throw refusal(`This model has one transformer, and the LoRA ${lora.name} cannot change a second one.`);
  if (lora.file !== undefined || list.some(({ name }) => name === lora.name)) return;
  if (list.length === 0)
    throw refusal(`This model has no LoRAs: put files into the folder loras/ of the model to use them.`);
  const names = list.map(({ name }) => name);
  const meant = nearest(lora.name, names);
  const advice = meant === undefined ? `it has ${listed(names)}` : `did you mean ${meant}?`;
  throw refusal(`This model has no LoRA ${quoted(lora.name)}: ${advice}${advice.endsWith("?") ? "" : "."}`);
}

function refusal(message: string): RequestError {
  return new RequestError(message, { field: "loras" });
}

/** Returns the LoRAs that change a video: those with a scale of 0 are off. */
export function activeLoras({
  loras,
}: {
  readonly loras: readonly RequestedLora[];
}): readonly RequestedLora[] {
  return loras.filter(({ scale }) => scale !== 0);
}

/** Returns the entries of a model's list for the LoRAs that change a video, in the order of the request. */
export function listedLoras(
  request: { readonly loras: readonly RequestedLora[] },
  { loras: list = [] }: Pick<VideoLimits, "loras">,
): readonly ListedLora[] {
  return activeLoras(request).flatMap(({ name, file }) =>
    file === undefined ? list.filter((each) => each.name === name) : [],
  );
}

/**
 * Returns the limits of a model with the LoRAs of a request. The first LoRA that has a setting decides it.
 *
 * @example
 * ```ts
 * const quick = { name: "quick", steps: 4, guidance_scale: 1 };
 * limitsWith({ loras: [{ name: "quick", scale: 1 }] }, { ...limits, loras: [quick] }).steps; // 4
 * ```
 */
export function limitsWith(
  request: { readonly loras: readonly RequestedLora[] },
  limits: VideoLimits,
): VideoLimits {
  const listed = listedLoras(request, limits);
  const first = <Key extends keyof ListedLora>(key: Key) =>
    listed.find((each) => each[key] !== undefined)?.[key];
  const changed = {
    steps: first("steps"),
    has_fixed_steps: first("has_fixed_steps"),
    guidance_scale: first("guidance_scale"),
    guidance_scale_2: limits.guidance_scale_2 === undefined ? undefined : first("guidance_scale"),
    is_distilled: first("is_distilled"),
  };
  const said = Object.entries(changed).filter(([, value]) => value !== undefined);
  return { ...limits, ...Object.fromEntries(said) };
}

/** Returns the LoRAs that a request asks for, before it is resolved. */
export function requestedLoras({ loras = [] }: { readonly loras?: unknown }): readonly RequestedLora[] {
  return (loras as readonly AskedLora[]).map(storedOf);
}
