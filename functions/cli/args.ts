import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import {
  type AskedRequest,
  askedByFlags,
  type Flag,
  parseRequest,
  REQUEST_FLAGS,
} from "../../lib/generation/request/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";

/** Flags that configure the command, not the video. */
const OUT: Flag = {
  name: "out",
  reads: { kind: "path" },
  value: "FILE",
  text: "path of the video (.mp4 or .webp); default out/<prompt>-<seed>.mp4",
};
const OTHERS: readonly Flag[] = [
  {
    name: "model",
    reads: { kind: "text" },
    value: "MODEL",
    text: "model folder in the Hugging Face layout, or its name in models/; default demo",
  },
  { name: "trace", reads: { kind: "path" }, value: "FILE", text: "writes the schedule as JSON" },
  {
    name: "json",
    reads: { kind: "switch" },
    text: "prints the result as JSON (npm run --silent generate hides npm's own lines)",
  },
  { name: "help", reads: { kind: "switch" }, text: "prints this" },
];
const FLAGS: readonly Flag[] = [OUT, ...REQUEST_FLAGS, ...OTHERS];

export const USAGE = usageOf(FLAGS);

function usageOf(flags: readonly Flag[]): string {
  const rows = flags.map(({ name, value, text }) => [`--${name}${value ? ` ${value}` : ""}`, text] as const);
  const width = Math.max(...rows.map(([flag]) => flag.length)) + 2;
  const lines = rows.map(([flag, text]) => `  ${flag.padEnd(width)}${text}\n`);
  return `usage: npm run generate -- "<prompt>" [options]\n\n${lines.join("")}`;
}

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
  const { values: texts, positionals } = parse(args);
  if (texts.help) return "help";
  const [prompt, ...more] = positionals;
  if (prompt === undefined)
    throw new UsageError(`Give a prompt in quotes: npm run generate -- "a red circle moves left".`);
  if (more.length > 0)
    throw new UsageError(`Put the whole prompt in quotes: ${quote(more[0]!)} is outside them.`);
  const values = readValues(texts, surroundings);
  const { out, model, trace, json } = values as {
    readonly [name in "out" | "model" | "trace"]?: string;
  } & { readonly json?: boolean };
  if (out !== undefined && !/\.(mp4|webp)$/i.test(out)) {
    throw new UsageError(`--out takes a path that ends in .mp4 or .webp, not ${quote(String(texts.out))}.`);
  }
  const request = parseRequest({ prompt, ...askedByFlags(values) });
  return {
    request: { ...request, seed: request.seed ?? surroundings.drawSeed() },
    out: out ?? null,
    model: model === undefined ? surroundings.demoModel : modelFolder(model, surroundings),
    trace: trace ?? null,
    json: json ?? false,
  };
}

/** Converts the texts after the flags to values, according to the kind of each flag. */
function readValues(texts: Texts, { folder }: Surroundings): Record<string, unknown> {
  const given = FLAGS.flatMap((flag) => {
    const text = texts[flag.name];
    return text === undefined ? [] : [[flag.name, readValue(flag, text, folder)] as const];
  });
  return Object.fromEntries(given);
}

function readValue({ name, reads }: Flag, text: string | boolean, folder: string): unknown {
  if (typeof text === "boolean") return text;
  switch (reads.kind) {
    case "number":
      return number(name, text);
    case "path":
      return resolve(folder, text);
    case "on or off":
      return onOrOff(name, text);
    case "form":
      if (reads.pattern.test(text)) return text;
      throw new UsageError(`--${name} is ${reads.words}, not ${quote(text)}.`);
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

type Texts = Readonly<Record<string, string | boolean | undefined>>;

const OPTIONS: NonNullable<ParseArgsConfig["options"]> = Object.fromEntries(
  FLAGS.map(({ name, reads }) => [
    name,
    { type: reads.kind === "switch" ? "boolean" : "string", ...(name === "help" && { short: "h" }) },
  ]),
);

function parse(args: readonly string[]): { values: Texts; positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    return { values: values as Texts, positionals };
  } catch (cause) {
    const [first] = (cause as Error).message.split(/\.? *\n|\. /);
    // Node's own advice about values such as -1 has three lines, and errors here are one sentence.
    const advice = first!.includes("ambiguous")
      ? "write --option=value when a value starts with a dash"
      : "see --help";
    throw new UsageError(`${first}; ${advice}.`, { cause });
  }
}

function number(name: string, text: string): number {
  // Number("") is 0 and Number("0x10") is 16; no user means either.
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text))
    throw new UsageError(`--${name} takes a number, not ${quote(text)}.`);
  return Number(text);
}

function onOrOff(name: string, text: string): boolean {
  if (text === "on" || text === "off") return text === "on";
  throw new UsageError(`--${name} is on or off, not ${quote(text)}.`);
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
