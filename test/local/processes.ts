import { existsSync, readdirSync, readFileSync } from "node:fs";

/** True if this system lists its processes where {@link processesWith} looks. */
export const hasProcessList = existsSync("/proc/self/environ");

export interface RunningProcess {
  readonly pid: number;
  readonly role: "api" | "worker" | "gpu" | "pipeline";
}

const ENTRIES = {
  "local/start.ts": "api",
  "local/worker.ts": "worker",
  "gpu/serve.ts": "gpu",
  "process/child.ts": "pipeline",
} as const;

/** Lists the service's processes that have this environment variable; zombies are left out. */
export function processesWith(name: string, value: string): RunningProcess[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && linesOf(entry, "environ").includes(`${name}=${value}`))
    .flatMap((entry) => {
      const command = linesOf(entry, "cmdline").join(" ");
      const known = Object.entries(ENTRIES).find(([path]) => command.includes(path));
      return known ? [{ pid: Number(entry), role: known[1] }] : [];
    });
}

/** Reads the NUL-separated texts in a file of `/proc/<pid>`; none if the process has ended. */
function linesOf(pid: string, file: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code!)) return [];
    throw error;
  }
}
