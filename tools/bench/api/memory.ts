import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { measureLoad } from "./http-load.ts";
import { measureRound } from "./loads.ts";
import { getVideo, postVideo, sendForVideo } from "./requests.ts";
import type { ApiResults } from "./results.ts";
import { startServer } from "./server-process.ts";

const CONNECTIONS = 16;
/**
 * Number of jobs per API key. A key may have a thousand unfinished jobs; the margin allows for concurrent
 * requests.
 */
const JOBS_A_KEY = 900;
const GETS = 200;

export interface MemoryOptions {
  /** Folder to create. */
  readonly folder: string;
  readonly core: number | null;
  /** Numbers of jobs after which to measure, ascending. */
  readonly jobs: readonly number[];
}

/** Creates jobs that no worker runs, and measures the memory of the API's process and the size of its folder. */
export async function measureMemory({ folder, core, jobs }: MemoryOptions): Promise<ApiResults["memory"]> {
  const tenants = Math.ceil(jobs.at(-1)! / JOBS_A_KEY);
  const server = await startServer({ script: "./server.ts", args: [folder, String(tenants)], core });
  const { port, keys } = server;
  const store = join(folder, "store");
  try {
    const before = await folderSize(store);
    const points: ApiResults["memory"]["points"] = [];
    let created = 0;
    for (const count of jobs) {
      const next = () => postVideo(keys[created++ % keys.length]!);
      // The last request is sent separately to learn its job's id.
      await measureLoad({ port, connections: CONNECTIONS, requests: count - created - 1, next });
      const newest = await sendForVideo(port, next());
      const get = getVideo(keys[(created - 1) % keys.length]!, newest.id);
      const { cpu } = await measureRound(server, { connections: 1, requests: GETS, next: () => get });
      points.push({ jobs: count, ...(await server.memory()), getCpu: cpu });
    }
    const after = await folderSize(store);
    const added = (name: keyof FolderSize) => after[name] - before[name];
    const grown = { entries: added("entries"), bytes: added("bytes"), diskBytes: added("diskBytes") };
    return { keys: tenants, points, folder: grown };
  } finally {
    await server.stop();
  }
}

interface FolderSize {
  /** Number of files and folders. */
  readonly entries: number;
  /** Bytes in files. */
  readonly bytes: number;
  /** Bytes of the disk blocks of files and folders. */
  readonly diskBytes: number;
}

const BLOCK_BYTES = 512;

async function folderSize(folder: string): Promise<FolderSize> {
  let [entries, bytes, diskBytes] = [0, 0, 0];
  for (const path of await readdir(folder, { recursive: true })) {
    const entry = await stat(join(folder, path));
    entries += 1;
    if (entry.isFile()) bytes += entry.size;
    diskBytes += entry.blocks * BLOCK_BYTES;
  }
  return { entries, bytes, diskBytes };
}
