import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Hooks of Node's module loader, which run TypeScript with esbuild and keep the results in out/programs. */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CACHE = join(ROOT, "out/programs");
/** URL of the module that processes import in place of tsx. */
const REGISTER = new URL("register.js", import.meta.url).href;
/** Files that every result depends on, besides its sources. */
const TOOLS = [fileURLToPath(import.meta.url), join(ROOT, "tsconfig.json"), join(ROOT, "package-lock.json")];

/** Path of the program that this process runs. */
let main = "";

/** @param {string | undefined} path the program that this process runs */
export function initialize(path) {
  main = path ?? "";
}

/**
 * Loads the program as a bundle of all its files, and any other TypeScript as a module of its own.
 *
 * @type {import("node:module").LoadHook}
 */
export async function load(url, context, nextLoad) {
  if (!/^file:.*\.tsx?$/.test(url)) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const source =
    path === main ? await cached(path, "bundle", bundle) : await cached(path, "module", transform);
  return { format: "module", source, shortCircuit: true };
}

/**
 * Makes the code of a file, or takes it from the cache while none of its inputs has changed.
 *
 * @param {string} path
 * @param {"bundle" | "module"} kind
 * @param {(path: string) => Promise<{code: string, inputs: string[]}>} make
 */
async function cached(path, kind, make) {
  const key = createHash("sha256").update(path).digest("hex").slice(0, 16);
  const file = join(CACHE, `${key}.${kind}.js`);
  const kept = read(file);
  if (kept !== null) {
    const end = kept.indexOf("\n");
    /** @type {[path: string, stamp: string][]} */
    const inputs = JSON.parse(kept.slice(2, end));
    if (inputs.every(([input, stamp]) => stampOf(input) === stamp)) return kept.slice(end + 1);
  }
  const { code, inputs } = await make(path);
  const stamps = [...inputs, ...TOOLS].map((input) => [input, stampOf(input)]);
  try {
    mkdirSync(CACHE, { recursive: true });
    // Other processes may be at the same file.
    writeFileSync(`${file}.${process.pid}`, `//${JSON.stringify(stamps)}\n${code}`);
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    // A program of another user, or on a full disk, runs all the same.
  }
  return code;
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** @param {string} file */
function stampOf(file) {
  const { mtimeMs, size } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: 0, size: 0 };
  return `${mtimeMs} ${size}`;
}

const OPTIONS = /** @type {const} */ ({
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  sourcesContent: false,
  keepNames: true,
});

/** @param {string} path */
async function transform(path) {
  const { transformSync } = await import("esbuild");
  const text = adapted(path);
  const loader = extname(path) === ".tsx" ? "tsx" : "ts";
  const tsconfigRaw = { compilerOptions: { jsx: "react-jsx", jsxImportSource: "hono/jsx" } };
  const { code } = transformSync(text, {
    ...OPTIONS,
    loader,
    tsconfigRaw,
    sourcefile: pathToFileURL(path).href,
  });
  return { code, inputs: [path] };
}

/** @param {string} path */
async function bundle(path) {
  const { build, stop } = await import("esbuild");
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    entryPoints: [path],
    absWorkingDir: ROOT,
    bundle: true,
    packages: "external",
    platform: "node",
    write: false,
    // The source map then names the sources from where the program lies.
    outfile: `${path}.js`,
    metafile: true,
    plugins: [
      {
        name: "import.meta of each file",
        setup({ onLoad }) {
          onLoad({ filter: /\.tsx?$/ }, ({ path }) => ({
            contents: adapted(path),
            loader: extname(path) === ".tsx" ? "tsx" : "ts",
          }));
        },
      },
    ],
  });
  // Tests look at the children of processes, so esbuild's must not stay.
  await stop();
  return {
    code: outputFiles[0].text,
    inputs: Object.keys(metafile.inputs).map((input) => join(ROOT, input)),
  };
}

/**
 * Reads a file, and writes out what it knows of itself by `import.meta`, since a bundle has only one.
 *
 * @param {string} path
 */
function adapted(path) {
  return readFileSync(path, "utf8")
    .replaceAll('import.meta.resolve("tsx")', JSON.stringify(REGISTER))
    .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))
    .replaceAll("import.meta.dirname", JSON.stringify(dirname(path)))
    .replaceAll("import.meta.filename", JSON.stringify(path));
}
