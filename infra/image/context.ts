import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { buildSync } from "esbuild";

/** Programs that a container runs: the function, and those that it starts. A test compares them with the Dockerfile. */
export const PROGRAMS = [
  "functions/gpu/serve.ts",
  "lib/generation/accelerator/try-provider.ts",
  "lib/generation/pipeline/process/child.ts",
] as const;

/** Folders of which an image has only what its programs read. */
const FOLDERS = ["lib", "functions"] as const;

/** Files beside a source that it names by its own URL, such as scripts of pages. */
const NAMED_FILE = /\bnew URL\(\s*"([^"]+)",\s*import\.meta\.url/g;

/**
 * Returns patterns for a build context, to follow those of `.dockerignore`: they leave out what no program of the image
 * reads. So a change elsewhere makes no other image, and no other endpoint.
 */
export function contextPatterns(root: string): string[] {
  return [...FOLDERS, ...imageSources(root).map((path) => `!${path}`)];
}

/** Returns the files below `lib` and `functions` that an image is made from, by paths from the root, sorted. */
export function imageSources(root: string): string[] {
  const { metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: [...PROGRAMS],
    outdir: "out",
    write: false,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    jsx: "automatic",
    jsxImportSource: "hono/jsx",
    metafile: true,
    logLevel: "error",
  });
  const inputs = Object.keys(metafile.inputs);
  const sources = new Set([...inputs, "functions/gpu/Dockerfile", "lib/shared/run/run.js"]);
  for (const input of inputs) {
    for (const [, name] of readFileSync(join(root, input), "utf8").matchAll(NAMED_FILE)) {
      const path = relative(root, join(root, dirname(input), name!));
      if (FOLDERS.some((folder) => path.startsWith(`${folder}/`)) && existsSync(join(root, path)))
        sources.add(path);
    }
  }
  return [...sources].sort();
}
