import { type ChildProcess, spawn } from "node:child_process";

/**
 * Waits for the end of its input, which closes when the process at the other end is gone, and then kills the process of
 * its argument. It ignores the signals by which a terminal ends what runs in it.
 */
const SCRIPT = `trap "" HUP INT TERM; read -r line; kill -9 "$1"`;

/**
 * Lets a child process end with this process, whatever state either is in when this one is killed. A child that hangs
 * or is stopped cannot notice that by itself, so a shell does it, which waits beside the child and costs about 1 MB.
 * Where there is no `sh`, as on Windows, the child has to notice by itself.
 */
export function endWithParent(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const watcher = spawn("sh", ["-c", SCRIPT, "sh", String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    // A signal to the group of this process is not for the watcher.
    detached: true,
  });
  watcher.on("error", () => undefined);
  // Another process may get the id of the child once that has exited.
  child.once("exit", () => watcher.kill("SIGKILL"));
}
