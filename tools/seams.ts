import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Alias, Parameter } from "../lib/generation/request/parameter.ts";
import { PARAMETERS } from "../lib/generation/request/parameters.ts";
import { runMain } from "../lib/shared/command-line/index.ts";

/**
 * `npm run seams`: lists, for every parameter of a video request, the source files that must know it: those that name
 * it outside comments, without its declaration and its use.
 */

const SOURCES = ["lib", "functions", "infra"];

/** Folder of the table of parameters and of everything derived from it. */
const DECLARATION = ["lib/generation/request/"];

/**
 * Files that use parameters: to generate a video, to measure a codebook, or to present a finished video with its
 * receipt, report, chart and line in the list of videos.
 */
const USE = [
  "lib/generation/caching/",
  "lib/generation/models/",
  "lib/generation/pipeline/",
  "lib/generation/sampling/",
  "lib/generation/chart/",
  "lib/generation/provenance/",
  "lib/service/jobs/receipt.ts",
  "functions/api/pages/browser/progress.js",
  "functions/api/pages/browser/recent.js",
  "functions/api/pages/browser/result.js",
  "functions/api/views/schedule.ts",
  "functions/cli/calibrate-options.ts",
  "functions/cli/calibrate-preview.ts",
  "functions/cli/calibrate.ts",
  "functions/cli/report.ts",
  "functions/cli/sealing.ts",
  "functions/cli/series-report.ts",
  "functions/gpu/receipt.ts",
];

/**
 * Names of variables and types that hold a request. A parameter whose name is a single word is only counted as one of
 * their members, because such words are common elsewhere.
 */
const HOLDERS = "asked|given|order|params|request|resolved|settings";
const TYPES = "AskedRequest|GenerationRequest|ResolvedRequest|VideoCreate|VideoParams|VideoSettings";

/** Parameter with all its names: in the API, in the resolved request and on the command line. */
export interface Named {
  readonly parameter: string;
  readonly names: readonly string[];
  readonly flags: readonly string[];
}

/** Returns the names of all parameters of the table. Members of an object parameter count as its names. */
export function namedParameters(): Named[] {
  const entries = Object.entries<Parameter | Alias>(PARAMETERS);
  return entries.flatMap(([parameter, declared]) => {
    if ("means" in declared) return [];
    const aliases = entries.flatMap(([name, other]) =>
      "means" in other && other.means === parameter ? [name] : [],
    );
    const stored = Object.entries(declared.stored).flatMap(([key, schema]) => [key, ...membersOf(schema)]);
    const told = declared.told ? membersOf(declared.told.schema) : [];
    const names = [...new Set([parameter, ...aliases, ...stored, ...told])];
    return [
      {
        parameter,
        names,
        flags: (declared.flags ?? []).flatMap(({ name, aliases = [] }) => [name, ...aliases]),
      },
    ];
  });
}

function membersOf(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Returns the source files below `root` that name a parameter outside its declaration and use. */
export function filesNaming({ names, flags }: Pick<Named, "names" | "flags">, root: string): string[] {
  const patterns = [...names.map(patternOf), ...flags.map((flag) => new RegExp(`--${flag}\\b`))];
  return sourcesOf(root).flatMap(([path, text]) =>
    patterns.some((pattern) => pattern.test(text)) ? [path] : [],
  );
}

/** Returns a pattern for a name: anywhere if it has several words, otherwise only as a member of a request. */
function patternOf(name: string): RegExp {
  if (/_|[a-z][A-Z]/.test(name)) return new RegExp(`\\b${name}\\b`);
  const member = `\\b(?:${HOLDERS})[!?]?\\.${name}\\b`;
  const unpacked = `\\{[^{}]*\\b${name}\\b[^{}]*\\}\\s*(?:=\\s*[\\w.!]*\\b(?:${HOLDERS})\\b|:[\\w\\s<]*\\b(?:${TYPES})\\b)`;
  const field = `\\bname="${name}"`;
  return new RegExp([member, unpacked, field].join("|"));
}

const cache = new Map<string, (readonly [path: string, text: string])[]>();

function sourcesOf(root: string) {
  const known = cache.get(root);
  if (known) return known;
  const sources = SOURCES.filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map(
        (path) => `${folder}/${path}`,
      ),
    )
    .filter((path) => /\.(ts|tsx|js)$/.test(path))
    .filter((path) => ![...DECLARATION, ...USE].some((place) => path.startsWith(place)))
    .sort()
    .map((path) => [path, withoutComments(readFileSync(join(root, path), "utf8"))] as const);
  cache.set(root, sources);
  return sources;
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "");
}

function main(root: string): void {
  for (const named of namedParameters()) {
    const files = filesNaming(named, root);
    process.stdout.write(
      `${String(files.length).padStart(2)}  ${named.parameter} (${named.names.join(", ")})\n`,
    );
    for (const file of files) process.stdout.write(`      ${file}\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runMain(() => main(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url))));
}
