import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CACHE_USAGE } from "../../lib/generation/caching/index.ts";
import type { GenerationRequest } from "../../lib/generation/request/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";

export const USAGE = `usage: npm run generate -- "<prompt>" [options]

  --out FILE       where the video goes (.mp4, or .webp); default out/<prompt>-<seed>.mp4
  --seed N         whole number from 0 up; drawn at random when left out, and always printed
  --steps N        denoising steps, 1 to 1000
  --guidance X     how closely to follow the prompt, 0 to 100
  --negative TEXT  what to steer away from
  --size WxH       pixels, such as 64x64
  --frames N       length of the video
  --image FILE     picture that the video begins with, for models that go on from one
  --cache POLICY   ${CACHE_USAGE}; default fast
  --motion on|off  motion regularisation of slow, fast and codebooks; default on
  --warmup N       the first N steps are always computed, 0 up to all of them; default 0
  --model MODEL    folder in the Hugging Face layout, or its name in models/; default demo
  --trace FILE     writes the schedule as JSON
  --compare        also generates without cache: prints PSNR, SSIM and both times, writes an HTML page
  --json           prints the result as JSON (npm itself keeps quiet with npm run --silent generate)
  --help           prints this
`;

export interface GenerateCommand {
  readonly request: GenerationRequest;
  /** Absolute; null for the default, which depends on prompt and seed. */
  readonly out: string | null;
  readonly model: string;
  readonly trace: string | null;
  readonly compare: boolean;
  readonly json: boolean;
}

const OPTIONS = {
  out: { type: "string" },
  seed: { type: "string" },
  steps: { type: "string" },
  guidance: { type: "string" },
  negative: { type: "string" },
  size: { type: "string" },
  frames: { type: "string" },
  image: { type: "string" },
  cache: { type: "string" },
  motion: { type: "string" },
  warmup: { type: "string" },
  model: { type: "string" },
  trace: { type: "string" },
  compare: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export interface Surroundings {
  /** The folder that relative paths start from. */
  readonly folder: string;
  /** Where the model shipped with the program lies. */
  readonly demoModel: string;
  drawSeed(): number;
}

/**
 * What the command line asks for; `help` when it asks for the usage.
 *
 * @throws UsageError
 */
export function parseCommand(args: readonly string[], surroundings: Surroundings): GenerateCommand | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const [prompt, ...more] = positionals;
  if (prompt === undefined)
    throw new UsageError(`Give a prompt in quotes: npm run generate -- "a red circle moves left".`);
  if (more.length > 0)
    throw new UsageError(`Put the whole prompt in quotes: ${quote(more[0]!)} stands outside it.`);
  if (values.out !== undefined && !/\.(mp4|webp)$/i.test(values.out)) {
    throw new UsageError(`--out is a video that ends in .mp4 or .webp, not ${quote(values.out)}.`);
  }
  const path = (file: string) => resolve(surroundings.folder, file);
  return {
    request: {
      prompt,
      seed: number("seed", values.seed) ?? surroundings.drawSeed(),
      ...optional("steps", number("steps", values.steps)),
      ...optional("guidanceScale", number("guidance", values.guidance)),
      ...optional("negativePrompt", values.negative),
      ...size(values.size),
      ...optional("frames", number("frames", values.frames)),
      ...optional("image", values.image === undefined ? undefined : path(values.image)),
      cache: values.cache?.endsWith(".json") ? readCodebook(path(values.cache)) : (values.cache ?? "fast"),
      motion: onOrOff("motion", values.motion) ?? true,
      ...optional("warmup", number("warmup", values.warmup)),
    },
    out: values.out === undefined ? null : path(values.out),
    model: values.model === undefined ? surroundings.demoModel : modelFolder(values.model, surroundings),
    trace: values.trace === undefined ? null : path(values.trace),
    compare: values.compare ?? false,
    json: values.json ?? false,
  };
}

/** A folder, or a name of one: in `models` where the user stands, or beside the demo model. */
function modelFolder(model: string, { folder, demoModel }: Surroundings): string {
  const given = resolve(folder, model);
  const places = [given, resolve(folder, "models", model), resolve(demoModel, "..", model)];
  return places.find((place) => existsSync(join(place, "model_index.json"))) ?? given;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    const [first] = (cause as Error).message.split(/\.? *\n|\. /);
    // Node's own advice about values such as -1 is right and three lines long.
    const advice = first!.includes("ambiguous")
      ? "write --option=value when a value starts with a dash"
      : "see --help";
    throw new UsageError(`${first}; ${advice}.`, { cause });
  }
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  // Number("") is 0 and Number("0x10") is 16: neither is what somebody meant.
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text))
    throw new UsageError(`--${name} takes a number, not ${quote(text)}.`);
  return Number(text);
}

function onOrOff(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined || text === "on" || text === "off")
    return text === undefined ? undefined : text === "on";
  throw new UsageError(`--${name} is on or off, not ${quote(text)}.`);
}

function size(text: string | undefined): { width?: number; height?: number } {
  if (text === undefined) return {};
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(text);
  if (!match) throw new UsageError(`--size is width x height in pixels, such as 64x64, not ${quote(text)}.`);
  return { width: Number(match[1]), height: Number(match[2]) };
}

function readCodebook(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : (cause as Error).message;
    throw new UsageError(`Cannot read the codebook ${path}: ${why}.`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(
      `The codebook ${path} is not JSON: ${(cause as Error).message.replaceAll(/\s+/g, " ")}.`,
      { cause },
    );
  }
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
