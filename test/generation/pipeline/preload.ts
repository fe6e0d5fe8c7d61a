import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { onTestFinished, vi } from "vitest";

/**
 * Lets processes that start from now on run this code first, until the test has ended or unstubs the environment.
 * Returns the folder of the code.
 */
export async function preload(code: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "adareel-preload-"));
  const path = join(folder, "preload.mjs");
  await writeFile(path, code);
  vi.stubEnv("NODE_OPTIONS", `--import ${pathToFileURL(path)}`);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });
  return folder;
}

/** Lets processes that start from now on stop themselves. Returns the file that they write their ids into. */
export async function preloadStop(): Promise<string> {
  const folder = await preload(`
    import { renameSync, writeFileSync } from "node:fs";
    const [unfinished, pid] = [new URL("unfinished", import.meta.url), new URL("pid", import.meta.url)];
    writeFileSync(unfinished, String(process.pid));
    // A test that looked while an empty file was there would take 0 for the id.
    renameSync(unfinished, pid);
    process.kill(process.pid, "SIGSTOP");
  `);
  return join(folder, "pid");
}
