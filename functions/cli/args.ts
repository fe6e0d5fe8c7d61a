import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  type AskedRequest,
  askedByFlags,
  type Flag,
  parseRequest,
  REQUEST_FLAGS,
} from "../../lib/generation/request/index.ts";
import {
  command,
  commandUsage,
  type Options,
  parseCommand as parseOptions,
  UsageError,
} from "../../lib/shared/command-line/index.ts";

const NAME = "npm run generate --";

/** Declares the command line; relative paths in it start from `folder`. */
function commandIn(folder: string) {
  return command({
    text: "makes a video of a prompt",
    positionals: [{ name: '"PROMPT"', text: "what the video should show, in quotes" }],
    options: {
      out: {
        value: "FILE",
        text: "path of the video (.mp4 or .webp); default out/<prompt>-<seed>.mp4",
        read: (text: string, flag: string) => resolve(folder, videoName(flag, text)),
      },
      ...requestOptions(folder),
      model: {
        value: "MODEL",
        text: "model folder in the Hugging Face layout, or its name in models/; default demo",
      },
      trace: {
        value: "FILE",
        text: "writes the schedule as JSON",
        read: (text: string) => resolve(folder, text),
      },
      json: { text: "prints the result as JSON (npm run --silent generate hides npm's own lines)" },
    },
    example: '"a red circle moves left" --seed 1',
  });
}

function requestOptions(folder: string): Options {
  const options = REQUEST_FLAGS.map(({ name, reads, value = "VALUE", text }) => {
    if (reads.kind === "switch") return [name, { text }];
    return [
      name,
      { value, text, read: (given: string, flag: string) => readValue(given, { flag, reads, folder }) },
    ];
  });
  return Object.fromEntries(options);
}

export const USAGE = commandUsage(NAME, commandIn("."));

export interface GenerateCommand {
  readonly request: AskedRequest & { readonly seed: number };
  /** Absolute path of the video; null for the default, which depends on prompt and seed. */
  readonly out: string | null;
  readonly model: string;
  readonly trace: string | null;
  readonly json: boolean;
}

export interface Surroundings {
  /** Folder that relative paths start from. */
  readonly folder: string;
  /** Folder of the demo model, which is part of the repository. */
  readonly demoModel: string;
  drawSeed(): number;
}

/**
 * Parses the command line of generate. Returns "help" if it asks for the usage.
 *
 * @throws UsageError if it is malformed, RequestError if a value is out of its bounds
 */
export function parseCommand(args: readonly string[], surroundings: Surroundings): GenerateCommand | "help" {
  const given = parseOptions(NAME, commandIn(surroundings.folder), args);
  if (given === "help") return "help";
  const { values, words } = given;
  const [prompt] = words;
  const { out, model, trace, json } = values;
  const request = parseRequest({ prompt, ...askedByFlags(values) });
  return {
    request: { ...request, seed: request.seed ?? surroundings.drawSeed() },
    out: out ?? null,
    model: model === undefined ? surroundings.demoModel : modelFolder(model, surroundings),
    trace: trace ?? null,
    json,
  };
}

interface Reading {
  /** Name of the flag with its dashes, for errors. */
  readonly flag: string;
  readonly reads: Flag["reads"];
  readonly folder: string;
}

function readValue(text: string, { flag, reads, folder }: Reading): unknown {
  switch (reads.kind) {
    case "number":
      return number(flag, text);
    case "path":
      return resolve(folder, text);
    case "on or off":
      return onOrOff(flag, text);
    case "form":
      if (reads.pattern.test(text)) return text;
      throw new UsageError(`${flag} is ${reads.words}, not ${quote(text)}.`);
    case "text or JSON file":
      return text.endsWith(".json") ? readJson(reads.contents, resolve(folder, text)) : text;
    default:
      return text;
  }
}

/**
 * Returns the folder of a model that is given by path, or by name: in `models` of the user's folder, or beside the demo
 * model. A model that is not found stays a path, for the error message.
 */
function modelFolder(model: string, { folder, demoModel }: Surroundings): string {
  const given = resolve(folder, model);
  const places = [given, resolve(folder, "models", model), resolve(demoModel, "..", model)];
  return places.find((place) => existsSync(join(place, "model_index.json"))) ?? given;
}

function videoName(flag: string, text: string): string {
  if (/\.(mp4|webp)$/i.test(text)) return text;
  throw new UsageError(`${flag} takes a path that ends in .mp4 or .webp, not ${quote(text)}.`);
}

function number(flag: string, text: string): number {
  // Number("") is 0 and Number("0x10") is 16; no user means either.
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text))
    throw new UsageError(`${flag} takes a number, not ${quote(text)}.`);
  return Number(text);
}

function onOrOff(flag: string, text: string): boolean {
  if (text === "on" || text === "off") return text === "on";
  throw new UsageError(`${flag} is on or off, not ${quote(text)}.`);
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

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
