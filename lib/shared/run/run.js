/**
 * Runs a TypeScript program of this repository: `node lib/shared/run/run.js FILE [ARGUMENT ...]`. With `--prepare
 * FILE ...` it only makes ready what later runs of these programs need.
 *
 * Transforming and loading some 300 files one by one takes most of a short program's time. So a program is bundled by
 * esbuild once, into a single file in node_modules/.cache, and bundled again when one of its sources has other bytes.
 * Where that is not possible, as in a folder that cannot be written, tsx runs the sources.
 *
 * This is JavaScript because nothing that could read TypeScript runs before it.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import module from "node:module";
import { basename, extname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const CACHE = join(ROOT, "node_modules", ".cache", "adareel");

/** Packages that become part of a bundle, because they are many small ES modules. Others stay where they are. */
const INLINED = /^(zod|entities|hono|@huggingface\/tokenizers)(\/|$)/;

/**
 * Part of each bundle's hash: a bundle is made again by other rules, for another version of Node, and in another
 * folder, because it holds the absolute paths of its sources.
 */
const RULES = ["1", process.version, String(INLINED), ROOT];

/** Time after which a bundle of earlier sources is deleted. A process that found it before has read it by then. */
const STALE_MS = 3_600_000;

const LOADERS = { ".ts": "ts", ".tsx": "tsx", ".json": "json" };

// Versions of the AWS SDK that need a newer Node are not installed here, since its version is pinned. Without this,
// six lines about them stand before the one that a person waits for.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const [first, ...rest] = process.argv.slice(2);
if (first === "--prepare") {
  for (const entry of rest) await bundleOf(resolve(entry));
} else if (first === undefined) {
  process.stderr.write("Give the TypeScript file to run.\n");
  process.exitCode = 2;
} else {
  const entry = resolve(first);
  process.argv.splice(1, 2, entry);
  const bundle = await bundleOf(entry).catch(() => null);
  if (bundle === null) await import("tsx");
  // Since Node 22.1; the folder is only for what V8 compiles.
  else module.enableCompileCache?.(join(CACHE, "v8"));
  await import(pathToFileURL(bundle ?? entry).href);
}

/**
 * Returns the path of a program's bundle, which is made if there is none of the sources as they are now.
 *
 * @throws Error if it cannot be made
 */
async function bundleOf(entry) {
  const name = relative(ROOT, entry).replaceAll(/[^\w.-]/g, "-");
  const list = join(CACHE, `${name}.json`);
  try {
    const inputs = JSON.parse(await readFile(list, "utf8"));
    // One after another: through the thread pool, hundreds of small files take twice as long.
    const contents = inputs.map((path) => readFileSync(join(ROOT, path)));
    const bundle = pathOf(name, inputs, contents);
    await stat(bundle);
    return bundle;
  } catch {
    return build(entry, name, list);
  }
}

function pathOf(name, inputs, contents) {
  const hash = createHash("sha256").update(JSON.stringify([RULES, inputs]));
  for (const content of contents) hash.update(`${content.length} `).update(content);
  return join(CACHE, `${name}-${hash.digest("hex").slice(0, 32)}.mjs`);
}

async function build(entry, name, list) {
  const esbuild = await import("esbuild");
  await mkdir(CACHE, { recursive: true });
  /** Bytes that esbuild was given, by path from the root: the hash is of them, whatever the files hold later. */
  const read = new Map();
  const sources = {
    name: "sources",
    setup(building) {
      building.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
        kind === "entry-point" || INLINED.test(path) ? undefined : { path, external: true },
      );
      building.onLoad({ filter: /./ }, async ({ path }) => {
        const content = await readFile(path);
        read.set(relative(ROOT, path), content);
        // A module finds the files beside its source, not beside the bundle.
        const url = JSON.stringify(pathToFileURL(path).href);
        const contents = content.toString("utf8").replaceAll(/\bimport\.meta\.url\b/g, () => url);
        return { contents, loader: LOADERS[extname(path)] ?? "js" };
      });
    },
  };
  const { outputFiles } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile: join(CACHE, `${name}.mjs`),
    write: false,
    bundle: true,
    format: "esm",
    platform: "node",
    target: `node${process.versions.node}`,
    // Read only by `node --enable-source-maps`.
    sourcemap: "external",
    logLevel: "silent",
    plugins: [sources],
    tsconfigRaw: { compilerOptions: { jsx: "react-jsx", jsxImportSource: "hono/jsx" } },
  });
  await esbuild.stop();
  const inputs = [...read.keys()].sort();
  const bundle = pathOf(
    name,
    inputs,
    inputs.map((path) => read.get(path)),
  );
  const [map, code] = outputFiles;
  await writeWhole(`${bundle}.map`, map.contents);
  await writeWhole(bundle, `${code.text}//# sourceMappingURL=${basename(bundle)}.map\n`);
  await writeWhole(list, JSON.stringify(inputs));
  await removeStale(name, bundle);
  return bundle;
}

/** Writes a file under its name only once it is whole, because other processes look for it. */
async function writeWhole(path, content) {
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}

async function removeStale(name, current) {
  const { mtimeMs: now } = await stat(current);
  for (const file of await readdir(CACHE)) {
    if (!file.startsWith(`${name}-`)) continue;
    const found = await stat(join(CACHE, file)).catch(() => null);
    if (found && now - found.mtimeMs > STALE_MS) await rm(join(CACHE, file), { force: true });
  }
}
