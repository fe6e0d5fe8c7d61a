import { mkdir } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { assertWritable } from "../../lib/generation/video/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import type { GenerateCommand, SeededRequest } from "./args.ts";

/** Paths of the files of one video. */
export interface Outputs {
  readonly video: string;
  /** Trace of the schedule; null if there is to be none. */
  readonly trace: string | null;
  /** Page of the comparison; null if there is to be none. */
  readonly page: string | null;
}

/** Returns the paths of each video of a command. If there are several, every name ends in the seed. */
export function outputsOf({ requests, out, trace }: GenerateCommand): Outputs[] {
  return requests.map((request) => {
    const ending = requests.length === 1 ? "" : `-${request.seed}`;
    const video = "file" in out ? withEnding(out.file, ending) : defaultPath(out.folder, request);
    return {
      video,
      trace: trace === null ? null : withEnding(trace, ending),
      page: request.compare ? video.replace(/\.\w+$/, ".html") : null,
    };
  });
}

/**
 * Makes the folders of all files, and checks before the first generation that each file can be written.
 *
 * @throws UsageError if two results have one path, VideoError or Error if a path cannot be written
 */
export async function prepareOutputs(outputs: readonly Outputs[]): Promise<void> {
  const paths = outputs.flatMap(({ video, trace, page }) =>
    [video, trace, page].filter((path) => path !== null),
  );
  const twice = paths.find((path, index) => paths.indexOf(path) < index);
  if (twice) throw new UsageError(`${twice} cannot hold two results: give each its own name.`);
  for (const folder of new Set(paths.map((path) => dirname(path)))) await makeFolder(folder);
  for (const path of paths) await assertWritable(path);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "EEXIST" || code === "ENOTDIR" ? "a part of its path is a file" : code;
    throw new Error(`Cannot make the folder ${folder}: ${why}; choose another place.`, { cause });
  }
}

function defaultPath(folder: string, request: SeededRequest): string {
  const words = request.prompt
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    .slice(0, 60)
    .replaceAll(/^-+|-+$/g, "");
  return join(folder, `${words || "video"}-${request.seed}.mp4`);
}

function withEnding(path: string, ending: string): string {
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}${ending}${extension}`;
}
