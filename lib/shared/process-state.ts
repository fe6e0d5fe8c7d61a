import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** State of a process of this machine, as the system tells it. */
export interface ProcessState {
  /** Id of its parent. */
  readonly parent: number;
  /** Name of its program; on some systems with the path. */
  readonly name: string;
  /** True while a signal (SIGSTOP, SIGTSTP) has stopped it. */
  readonly isStopped: boolean;
}

/**
 * Looks at a process: in `/proc` on Linux, with `ps` on other systems. Returns null for a process that is gone, and
 * where neither can be read, as on Windows.
 */
export async function processState(pid: number): Promise<ProcessState | null> {
  try {
    return process.platform === "linux" ? await fromProc(pid) : await fromPs(pid);
  } catch {
    return null;
  }
}

/** @see proc_pid_stat(5): the name, in parentheses, may hold anything, so the fields are counted from its end. */
async function fromProc(pid: number): Promise<ProcessState> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1");
  const nameEnd = stat.lastIndexOf(")");
  const name = stat.slice(stat.indexOf("(") + 1, nameEnd);
  const [state, parent] = stat.slice(nameEnd + 2).split(" ");
  return { parent: Number(parent), name, isStopped: state === "T" };
}

async function fromPs(pid: number): Promise<ProcessState> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "ppid=,state=,comm=", "-p", String(pid)]);
  const [parent, state = "", ...name] = stdout.trim().split(/\s+/);
  return { parent: Number(parent), name: name.join(" "), isStopped: state.startsWith("T") };
}
