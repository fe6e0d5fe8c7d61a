import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

/** The storeys of lib, and which of the others each may import. */
const storeys: Record<string, readonly string[]> = {
  shared: [],
  generation: ["shared"],
  service: ["shared"],
  distribution: ["shared", "generation", "service"],
};

/** The folders that each folder of lib may import; docs/design.md says why. Everybody may import lib/shared. */
const allowedImports: Record<string, readonly string[]> = {
  "generation/onnx": [],
  "generation/accelerator": ["generation/onnx"],
  "generation/checkpoint": ["generation/onnx"],
  "generation/models": ["generation/onnx", "generation/request", "generation/sampling"],
  "generation/lora": ["generation/onnx", "generation/checkpoint", "generation/models"],
  "generation/caching": [],
  "generation/sampling": [],
  "generation/request": ["generation/caching", "generation/sampling"],
  "generation/chart": ["generation/caching"],
  "generation/video": [],
  "generation/preview": ["generation/video"],
  "generation/pipeline": [
    "generation/onnx",
    "generation/checkpoint",
    "generation/models",
    "generation/lora",
    "generation/caching",
    "generation/sampling",
    "generation/request",
    "generation/preview",
    "generation/video",
  ],
  "generation/provenance": ["generation/caching", "generation/pipeline", "generation/request"],
  "service/net": [],
  "service/pictures": [],
  "service/storage": [],
  "service/quotes": ["service/storage"],
  "service/jobs": ["service/quotes", "service/storage"],
  "service/spending": ["service/jobs", "service/quotes", "service/storage"],
  "service/keys": ["service/storage"],
  "service/queue": ["service/jobs"],
  "service/backends": ["service/jobs", "service/queue"],
  "service/lambda": ["service/jobs", "service/keys", "service/queue", "service/storage"],
  "service/webhooks": ["service/jobs", "service/keys", "service/net", "service/storage"],
  "service/triggers": ["service/keys", "service/net", "service/storage"],
  "distribution/model-store": ["generation/request", "service/storage"],
  "distribution/hub": [
    "distribution/model-store",
    "generation/checkpoint",
    "generation/models",
    "generation/pipeline",
    "service/storage",
  ],
};

/** Files that are run rather than imported, besides the tests and what is under tools/. */
const entryPoints = new Set([
  "clients/build.ts",
  "clients/ai-sdk/src/index.ts",
  "clients/typescript/src/index.ts",
  "functions/api/edge/handler.ts",
  "functions/cli/generate.ts",
  "functions/cli/keys.ts",
  "functions/cli/models.ts",
  "functions/cli/verify.ts",
  "functions/dispatch/handler.ts",
  "functions/gpu/serve.ts",
  "functions/local/start.ts",
  "functions/local/worker.ts",
  "functions/settle/handler.ts",
  "functions/sweep/handler.ts",
  "functions/webhook/handler.ts",
  "lib/generation/pipeline/process/child.ts",
]);

/** The one function that is made of others: it runs the whole service on one machine. */
const composition = "functions/local/";

/** The one part of infra that is run by people, and looks into the store as functions do. */
const preflight = "infra/preflight/";

/**
 * The files of lib/service and lib/shared that may use time, chance and timers of this machine, each with what for. All
 * others get them through the ports of lib/shared/ports.ts.
 */
const usersOfSystem: Record<string, string> = {
  "lib/shared/system.ts": "makes the real ports",
  "lib/service/lambda/job-function.ts": "opens what the small Lambda functions work with",
  "lib/service/storage/open-store.ts": "opens what a URL names, for entry points",
};
/** File that makes the real ports from the system itself. */
const systemFile = "lib/shared/system.ts";
const nondeterminism = new RegExp(
  [
    "\\bDate\\.now\\b",
    "\\bnew Date\\(\\)",
    // The constructor is a clock too.
    "\\bclock(: |\\s*=\\s*)Date\\b",
    "\\bperformance\\.now\\b",
    "\\bMath\\.random\\b",
    "\\brandom(Bytes|UUID|Int|FillSync)\\b",
    "\\bgetRandomValues\\b",
    "\\bset(Timeout|Interval|Immediate)\\b",
    "\\bAbortSignal\\.timeout\\b",
    "node:timers",
  ].join("|"),
);

/**
 * The list of environment variables, which types both the schemas that read them and the templates that set them. Infra
 * imports its types only, so that no other code of lib runs while templates are made.
 */
const variables = "lib/shared/variables.ts";
/** Functions of texts, for errors of settings. */
const sentences = "lib/shared/sentences/index.ts";

/** The formatter breaks code at 110; what is left over are comments, and texts that must stay on one line. */
const lineLengthMax = 120;
const indexLinesMax = 30;

const folders = ["clients", "infra", "functions", "lib", "test", "tools"].filter((folder) =>
  existsSync(folder),
);
const files = folders
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
  )
  .filter((path) => /\.(ts|tsx|js)$/.test(path) && !path.includes("generated"))
  .sort();
const sources = new Map(files.map((path) => [path, readFileSync(path, "utf8")]));
const importsOf = new Map([...sources].map(([path, source]) => [path, relativeImports(path, source)]));

function relativeImports(path: string, source: string): string[] {
  const specifiers = source.matchAll(/(?:\bfrom|\bimport|\bimport\(|new URL\()\s*"(\.[^"]*\.(?:tsx?|js))"/g);
  return [...specifiers].map((match) => normalize(join(dirname(path), match[1]!)));
}

/** Files that a source names in import and export statements, without those that it starts as processes. */
function statements(path: string, source: string): string[] {
  const specifiers = source.matchAll(/\bfrom "(\.[^"]*)"/g);
  return [...specifiers].map((match) => normalize(join(dirname(path), match[1]!)));
}

/** Returns a source without its comments. */
function codeOf(path: string): string {
  return sources.get(path)!.replaceAll(/\/\*.*?\*\/|(?<=^|\s)\/\/.*?$/gms, "");
}

/** Returns whether a file imports another one for its types alone. */
function isTypeImport(path: string, target: string): boolean {
  const imports = sources.get(path)!.matchAll(/^import (type )?[^;]*? from "(\.[^"]*)";/gm);
  const own = [...imports].filter(([, , specifier]) => normalize(join(dirname(path), specifier!)) === target);
  return own.every(([, type]) => type !== undefined);
}

/** Returns whether a file passes on types of another one, and nothing else of it. */
function isTypeExport(path: string, target: string): boolean {
  const exports = codeOf(path).matchAll(/^export (type )?\{[^}]*\} from "(\.[^"]*)";/gm);
  const own = [...exports].filter(([, , specifier]) => normalize(join(dirname(path), specifier!)) === target);
  return own.length > 0 && own.every(([, type]) => type !== undefined);
}

/** `lib/generation/onnx/graph.ts` belongs to `generation/onnx`. */
function libFolder(path: string): string | undefined {
  return /^lib\/([^/]+\/[^/]+)\//.exec(path)?.[1];
}

/** `lib/generation/onnx/graph.ts` belongs to `generation`. */
function storeyOf(path: string): string | undefined {
  return /^lib\/([^/]+)\//.exec(path)?.[1];
}

function inFolder(prefix: string): string[] {
  return files.filter((path) => path.startsWith(prefix));
}

describe("imports", () => {
  test("lib never reaches up into functions, tools, tests or infra", () => {
    const upward = inFolder("lib/").flatMap((path) =>
      importsOf
        .get(path)!
        .filter((target) => !target.startsWith("lib/"))
        .map((target) => `${path} -> ${target}`),
    );
    expect(upward).toEqual([]);
  });

  test("a storey of lib imports only those below it", () => {
    const forbidden = inFolder("lib/").flatMap((path) => {
      const own = storeyOf(path)!;
      const targets = importsOf.get(path)!.filter((target) => {
        const storey = storeyOf(target);
        return storey !== undefined && ![own, ...storeys[own]!].includes(storey);
      });
      return targets.map((target) => `${path} -> ${target}`);
    });
    expect(forbidden).toEqual([]);
  });

  test("a lib folder imports only those that design.md allows", () => {
    const forbidden = inFolder("lib/").flatMap((path) => {
      const own = libFolder(path);
      if (!own) return [];
      const allowed = [own, ...(allowedImports[own] ?? [])];
      const targets = importsOf
        .get(path)!
        .filter((target) => storeyOf(target) !== "shared" && !allowed.includes(libFolder(target) ?? own));
      return targets.map((target) => `${path} -> ${target}`);
    });
    expect(forbidden).toEqual([]);
  });

  test("a lib folder is entered through its index", () => {
    const entered = ["lib/", "functions/", "infra/"].flatMap(inFolder).flatMap((path) => {
      const targets = importsOf.get(path)!.filter((target) => {
        const folder = libFolder(target);
        return folder !== undefined && folder !== libFolder(path) && target !== `lib/${folder}/index.ts`;
      });
      return targets.map((target) => `${path} -> ${target}`);
    });
    expect(entered).toEqual([]);
  });

  test("functions import lib and their own folder, the local service also others, and infra only itself, sentences and the list of variables", () => {
    const strangers = inFolder("functions/").flatMap((path) => {
      const own = path.startsWith(composition) ? "functions/" : `${path.split("/").slice(0, 2).join("/")}/`;
      const targets = importsOf
        .get(path)!
        .filter((target) => !target.startsWith("lib/") && !target.startsWith(own));
      return targets.map((target) => `${path} -> ${target}`);
    });
    const reached = inFolder("infra/").flatMap((path) =>
      importsOf
        .get(path)!
        .filter(
          (target) =>
            !target.startsWith("infra/") &&
            !(path.startsWith(preflight) && libFolder(target)) &&
            target !== sentences &&
            !(target === variables && isTypeImport(path, target)),
        )
        .map((target) => `${path} -> ${target}`),
    );
    expect([...strangers, ...reached]).toEqual([]);
  });

  test("clients import only themselves, and the type of the API", () => {
    const strangers = inFolder("clients/").flatMap((path) => {
      const own = path.split("/").slice(0, 2).join("/");
      const targets = importsOf
        .get(path)!
        .filter((target) => !target.startsWith(`${own}/`))
        .filter((target) => !(target === "functions/api/app.ts" && isTypeExport(path, target)));
      return targets.map((target) => `${path} -> ${target}`);
    });
    expect(strangers).toEqual([]);
  });

  test("no lib folders import each other in a circle", () => {
    const edges = new Map<string, Set<string>>();
    for (const path of inFolder("lib/")) {
      const own = libFolder(path);
      if (!own) continue;
      const targets = importsOf
        .get(path)!
        .map(libFolder)
        .filter((folder) => folder !== undefined && folder !== own);
      edges.set(own, new Set([...(edges.get(own) ?? []), ...(targets as string[])]));
    }
    const circles = [...edges.keys()].filter((folder) => reachable(edges, edges.get(folder)!).has(folder));
    expect(circles).toEqual([]);
  });

  test("no files import each other in a circle", () => {
    const edges = new Map([...sources].map(([path, source]) => [path, new Set(statements(path, source))]));
    const circles = files.filter((path) => reachable(edges, edges.get(path)!).has(path));
    expect(circles).toEqual([]);
  });

  test("no program asks URL.canParse, which refuses some names in a process that has run for a while", () => {
    const programs = files.filter((path) => !path.startsWith("test/"));
    expect(programs.filter((path) => /\bcanParse\(/.test(codeOf(path)))).toEqual([]);
  });

  test("every import of this repository exists", () => {
    const missing = files.flatMap((path) =>
      importsOf
        .get(path)!
        .filter((target) => !existsSync(target))
        .map((target) => `${path} -> ${target}`),
    );
    expect(missing).toEqual([]);
  });
});

describe("time and chance", () => {
  const ported = [...inFolder("lib/service/"), ...inFolder("lib/shared/")];

  test("lib/service and lib/shared take clocks, random numbers and timers only through ports", () => {
    const direct = ported.filter((path) => path !== systemFile && nondeterminism.test(codeOf(path)));
    expect(direct).toEqual([]);
  });

  test("only files that open something for entry points hand the real ports to others", () => {
    const users = inFolder("lib/").filter((path) => importsOf.get(path)!.includes(systemFile));
    expect([systemFile, ...users].sort()).toEqual(Object.keys(usersOfSystem).sort());
  });
});

test("execution providers are compared only in lowering, in their traits, where sessions are opened and GPUs found", () => {
  const inOnnx = ["lowering", "provider-traits", "session"].map((name) => `lib/generation/onnx/${name}.ts`);
  const inAccelerator = ["accelerator", "devices"].map((name) => `lib/generation/accelerator/${name}.ts`);
  const deciding = [...inAccelerator, ...inOnnx];
  const name = /"(cpu|cuda|webgpu)"/.source;
  const comparison = new RegExp(`[!=]==? ?${name}|${name} ?[!=]==?|\\bcase ${name}|Record<Provider\\b`);
  const asking = inFolder("lib/").filter((path) => comparison.test(sources.get(path)!));
  expect(asking).toEqual(deciding);
});

describe("secrets", () => {
  const helper = "lib/shared/is-same-secret.ts";
  const places = [...inFolder("lib/service/"), ...inFolder("lib/shared/"), ...inFolder("functions/")].filter(
    (path) => !path.startsWith("functions/api/pages/"),
  );

  test("secrets, signatures and hashes of them are compared by one function, which takes constant time", () => {
    const name = /[\w.!]*(?:[hH]ash|[hH]mac|[sS]ignature|[sS]ecret|[tT]oken|[dD]igest)\w*(?:\([^()]*\))?/
      .source;
    const literal = /\s*(?:undefined|null|true|false|["'`\d-])/.source;
    const comparison = new RegExp(
      `${name} ?[!=]==?(?!=)(?!${literal})|(?<!${literal}) [!=]==? ${name}(?![.\\w]*\\.length)`,
    );
    const comparing = places.filter((path) =>
      codeOf(path)
        .split("\n")
        .some(
          (line) =>
            comparison.test(line.replaceAll(/\btypeof [\w.]+ [!=]== "\w+"/g, "")) || /\.equals\(/.test(line),
        ),
    );
    expect(comparing).toEqual([]);
    expect(places.filter((path) => codeOf(path).includes("timingSafeEqual"))).toEqual([helper]);
  });

  test("a file that makes signatures compares them with that function", () => {
    const makers = places.filter((path) => codeOf(path).includes("createHmac("));
    expect(makers.length).toBeGreaterThan(0);
    expect(makers.filter((path) => !importsOf.get(path)!.includes(helper))).toEqual([]);
  });
});

test("every file of lib and functions is an entry point or is imported by one", () => {
  const edges = new Map([...importsOf].map(([path, targets]) => [path, new Set(targets)]));
  const roots = files.filter((path) => entryPoints.has(path) || path.startsWith("tools/"));
  const indexes = files.filter((path) => /^lib\/[^/]+\/[^/]+\/index\.ts$/.test(path));
  const alive = reachable(edges, new Set([...roots, ...indexes]));
  const dead = files.filter((path) => /^(lib|functions)\//.test(path) && !alive.has(path));
  expect(dead).toEqual([]);
});

describe("text", () => {
  const lines = [...sources].flatMap(([path, source]) =>
    source.split("\n").map((line, index) => ({ place: `${path}:${index + 1}`, line })),
  );

  test(`no line is longer than ${lineLengthMax} characters`, () => {
    const isText = (line: string) => /["`]/.test(line);
    const long = lines.filter(({ line }) => line.length > lineLengthMax && !isText(line));
    expect(long.map(({ place }) => place)).toEqual([]);
  });

  test("no comment says that something is left to be done", () => {
    const marks = new RegExp(
      ["TO", "FIX"].map((start, index) => `\\b${start}${["DO", "ME"][index]}\\b`).join("|"),
    );
    expect(lines.filter(({ line }) => marks.test(line)).map(({ place }) => place)).toEqual([]);
  });

  test(`an index holds named exports only, in at most ${indexLinesMax} lines`, () => {
    const indexes = files.filter((path) => /^lib\/.*\/index\.ts$/.test(path));
    const wrong = indexes.filter((path) => {
      const source = sources.get(path)!;
      const rest = source
        .replaceAll(/^\/\*\*.*?\*\/\n/gs, "")
        .replaceAll(/^export (type )?\{[^}]*\} from "[^"]+";\n/gm, "");
      return rest.trim() !== "" || source.split("\n").length - 1 > indexLinesMax;
    });
    expect(wrong).toEqual([]);
  });
});

/** Returns the nodes that can be reached from `start` along `edges`, `start` included. */
function reachable(edges: ReadonlyMap<string, ReadonlySet<string>>, start: ReadonlySet<string>): Set<string> {
  const seen = new Set<string>();
  const waiting = [...start];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    waiting.push(...(edges.get(next) ?? []));
  }
  return seen;
}
