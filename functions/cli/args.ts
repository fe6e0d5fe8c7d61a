import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ASKED_PROVIDERS, type AskedProvider } from "../../lib/generation/accelerator/index.ts";
import type { Precision } from "../../lib/generation/onnx/index.ts";
import { findModel } from "../../lib/generation/pipeline/index.ts";
import {
  type AskedRequest,
  askedByFlags,
  checkFlag,
  parseRequest,
  REQUEST_FLAGS,
  type RequestFlag,
  seedOf,
} from "../../lib/generation/request/index.ts";
import { MAX_SEED } from "../../lib/generation/sampling/index.ts";
import {
  command,
  commandUsage,
  type Option,
  parseCommand,
  UsageError,
} from "../../lib/shared/command-line/index.ts";
import { isFolder } from "../../lib/shared/is-folder.ts";
import { quoted } from "../../lib/shared/sentences/index.ts";
import { precisionOption } from "./precision-option.ts";

export const NAME = "npm run generate --";
const EXAMPLE = '"a red circle moves left over blue" --seed 1';
/** Limit of the videos of one command. */
const COUNT_MAX = 1000;

/**
 * Declares the command: the flags of a request, and the options of the command itself.
 *
 * @param folder the folder that relative paths start from
 */
export function generateCommand(folder: string) {
  const path = (text: string) => resolve(folder, text);
  const request: Record<string, Option> = Object.fromEntries(
    REQUEST_FLAGS.map((flag) => [flag.name, requestOption(flag, path)]),
  );
  return command({
    text: "makes a video from a prompt, and reports which denoising steps were computed",
    positionals: [
      {
        name: '"<prompt>"',
        text: "what the video should show",
        missing: `Give a prompt in quotes, as in: ${NAME} ${EXAMPLE}`,
      },
    ],
    extraWord: (word) =>
      `Put the whole prompt in quotes, and -- before it: ${quoted(word)} is outside, as in: ${NAME} ${EXAMPLE}`,
    options: {
      out: {
        value: "PATH",
        text: "video (.mp4 or .webp), or folder if it ends in /; default out/<prompt>-<seed>.mp4",
        read: (text) => outIn(text, path(text)),
      },
      ...request,
      count: {
        value: "N",
        text: `makes N videos, of this seed and the next ones; the names of their files end in the seed`,
        default: "1",
        read: countOf,
      },
      model: {
        value: "MODEL",
        text: "name of a model in models/, or folder of a model in the Hugging Face layout",
        default: "demo",
        read: (text) => findModel(text, folder),
      },
      variant: {
        value: "NAME",
        text: "variant of the model's weights, such as fp16; by default those without one, or the only one",
      },
      precision: precisionOption,
      provider: {
        value: "NAME",
        text: "cpu, cuda or webgpu, which runs the model; auto takes the first of cuda, webgpu and cpu that works",
        default: "cpu",
        read: providerOf,
      },
      sign: {
        text: "signs the video with Content Credentials; signed files of one seed are never equal",
      },
      trace: { value: "FILE", text: "writes the schedule as JSON", read: path },
      quote: {
        text: "says what the video would take, and cost with PRICE_PER_HOUR; times a few steps, and makes none",
      },
      json: {
        text: "prints each video as one line of JSON (npm run --silent generate hides npm's own lines)",
      },
    },
    example: EXAMPLE,
  });
}

export const USAGE = commandUsage(NAME, generateCommand("."));

/** Place of the videos, an absolute path: a file, or a folder for files with the default name. */
export type Out = { readonly file: string } | { readonly folder: string };

export type SeededRequest = AskedRequest & { readonly seed: number };

export interface GenerateCommand {
  /** Request of each video. Their seeds follow each other. */
  readonly requests: readonly SeededRequest[];
  readonly out: Out;
  /** Folder of the model. */
  readonly model: string;
  /** Variant of the weights to prefer; null for those without one. */
  readonly variant: string | null;
  /** Precision of the products of the blocks; null for the provider's default. */
  readonly precision: Precision | null;
  readonly provider: AskedProvider;
  /** True if the videos are to be signed. */
  readonly sign: boolean;
  readonly trace: string | null;
  readonly json: boolean;
  /** True to say what the videos would take, and to make none. */
  readonly quote: boolean;
}

export interface Surroundings {
  /** Folder that relative paths start from. */
  readonly folder: string;
  drawSeed(): number;
}

/**
 * Parses the command line of generate. Returns "help" if it asks for the usage.
 *
 * @throws UsageError if it is malformed, RequestError if a value is out of its bounds
 */
export function parseGenerate(args: readonly string[], surroundings: Surroundings): GenerateCommand | "help" {
  const line = parseCommand(NAME, generateCommand(surroundings.folder), args);
  if (line === "help") return "help";
  const { out, model, variant, precision, provider, sign, trace, json, quote, count } = line.values;
  const values: Record<string, unknown> = line.values;
  // A switch that is not given is false, and no part of the request.
  const flags = REQUEST_FLAGS.filter(({ name, reads }) => reads.kind !== "switch" || values[name]);
  const asked = askedByFlags(Object.fromEntries(flags.map(({ name }) => [name, values[name]])));
  const request = parseRequest({ prompt: line.words[0], ...asked });
  const seed = seedOf(request, surroundings.drawSeed);
  const last = seed + (count - 1);
  if (last > MAX_SEED) {
    throw new UsageError(
      `The seeds of ${count} videos would end at ${last}, and the largest is ${MAX_SEED}.`,
    );
  }
  return {
    requests: Array.from({ length: count }, (_, index) => ({ ...request, seed: seed + index })),
    out: out ?? { folder: join(surroundings.folder, "out") },
    model,
    variant: variant ?? null,
    precision: precision ?? null,
    provider,
    sign,
    trace: trace ?? null,
    json,
    quote,
  };
}

/** Makes the option of a request's flag, which reads its value according to the kind of the flag. */
function requestOption(declared: RequestFlag, path: (text: string) => string): Option {
  const { reads, value, text, aliases = [], isRepeatable } = declared;
  if (reads.kind === "switch") return { text, aliases };
  const parsed = (given: string, flag: string): unknown => {
    switch (reads.kind) {
      case "number":
        return number(flag, given);
      case "path":
        return path(fileName(flag, given));
      case "on or off":
        return onOrOff(flag, given);
      case "parsed":
        return reads.parse(given, path);
      case "text or JSON file":
        return given.endsWith(".json") ? readJson(reads.contents, path(given)) : given;
      default:
        return given;
    }
  };
  const read = (given: string, flag: string): unknown => {
    const value = parsed(given, flag);
    checkFlag(declared, value, flag);
    return value;
  };
  return { value: value ?? "VALUE", text, aliases, read, ...(isRepeatable && { multiple: true }) };
}

/** Reads `--out`: a path that ends in a slash, or that is a folder already, is a folder for the videos. */
function outIn(text: string, path: string): Out {
  if (/[/\\]$/.test(text) || isFolder(path)) return { folder: path };
  if (/\.(mp4|webp)$/i.test(text)) return { file: path };
  throw new UsageError(
    `--out takes a path that ends in .mp4 or .webp, or a folder that ends in /, not ${quoted(text)}.`,
  );
}

function providerOf(text: string, flag: string): AskedProvider {
  const found = ASKED_PROVIDERS.find((name) => name === text);
  if (found) return found;
  throw new UsageError(`${flag} is ${ASKED_PROVIDERS.join(", ")}, not ${quoted(text)}.`);
}

function countOf(text: string, flag: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= COUNT_MAX) return count;
  throw new UsageError(`${flag} takes a whole number from 1 to ${COUNT_MAX}, not ${quoted(text)}.`);
}

function number(flag: string, text: string): number {
  // Number("") is 0 and Number("0x10") is 16; no user means either.
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text))
    throw new UsageError(`${flag} takes a number, not ${quoted(text)}.`);
  return Number(text);
}

/** Returns the name of a file as it was given. */
function fileName(flag: string, text: string): string {
  if (/^(https?|data):/i.test(text))
    throw new UsageError(`${flag} takes a file, not a URL: save the picture, and give its file.`);
  return text;
}

function onOrOff(flag: string, text: string): boolean {
  if (text === "on" || text === "off") return text === "on";
  throw new UsageError(`${flag} is on or off, not ${quoted(text)}.`);
}

function readJson(contents: string, path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : (cause as Error).message;
    throw new UsageError(`Cannot read the ${contents} ${path}: ${why}.`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(
      `The ${contents} ${path} is not JSON: ${(cause as Error).message.replaceAll(/\s+/g, " ")}.`,
      { cause },
    );
  }
}
