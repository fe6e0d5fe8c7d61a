import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  type AskedRequest,
  askedByFlags,
  checkFlag,
  parseRequest,
  REQUEST_FLAGS,
  type RequestFlag,
} from "../../lib/generation/request/index.ts";
import {
  command,
  commandUsage,
  type Option,
  parseCommand,
  UsageError,
} from "../../lib/shared/command-line/index.ts";

const NAME = "npm run generate --";

/**
 * Declares the command: the flags of a request, and the options of the command itself.
 *
 * @param folder the folder that relative paths start from
 */
function generateCommand(folder: string) {
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
        missing: `Give a prompt in quotes: ${NAME} "a red circle moves left".`,
      },
    ],
    extraWord: (word) => `Put the whole prompt in quotes: ${quote(word)} is outside them.`,
    options: {
      out: {
        value: "FILE",
        text: "path of the video (.mp4 or .webp); default out/<prompt>-<seed>.mp4",
        read(text) {
          if (/\.(mp4|webp)$/i.test(text)) return path(text);
          throw new UsageError(`--out takes a path that ends in .mp4 or .webp, not ${quote(text)}.`);
        },
      },
      ...request,
      model: {
        value: "MODEL",
        text: "model folder in the Hugging Face layout, or its name in models/; default demo",
      },
      trace: { value: "FILE", text: "writes the schedule as JSON", read: path },
      json: { text: "prints the result as JSON (npm run --silent generate hides npm's own lines)" },
    },
    example: '"a red circle moves left over blue" --json',
  });
}

export const USAGE = commandUsage(NAME, generateCommand("."));

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
export function parseGenerate(args: readonly string[], surroundings: Surroundings): GenerateCommand | "help" {
  const line = parseCommand(NAME, generateCommand(surroundings.folder), args);
  if (line === "help") return "help";
  const { out, model, trace, json } = line.values;
  const values: Record<string, unknown> = line.values;
  // A switch that is not given is false, and no part of the request.
  const flags = REQUEST_FLAGS.filter(({ name, reads }) => reads.kind !== "switch" || values[name]);
  const asked = askedByFlags(Object.fromEntries(flags.map(({ name }) => [name, values[name]])));
  const request = parseRequest({ prompt: line.words[0], ...asked });
  return {
    request: { ...request, seed: request.seed ?? surroundings.drawSeed() },
    out: out ?? null,
    model: model === undefined ? surroundings.demoModel : modelFolder(model, surroundings),
    trace: trace ?? null,
    json,
  };
}

/** Makes the option of a request's flag, which reads its value according to the kind of the flag. */
function requestOption(declared: RequestFlag, path: (text: string) => string): Option {
  const { reads, value, text, aliases = [] } = declared;
  if (reads.kind === "switch") return { text, aliases };
  const parsed = (given: string, flag: string): unknown => {
    switch (reads.kind) {
      case "number":
        return number(flag, given);
      case "path":
        return path(given);
      case "on or off":
        return onOrOff(flag, given);
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
  return { value: value ?? "VALUE", text, aliases, read };
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
