import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { onTestFinished, vi } from "vitest";
import { adapterEnvironment, driver, hasAdapter } from "./software-adapter.ts";

/** Says whether an adapter that can be lost can be made here, in a line if only the compiler is missing. */
export const isLosable = hasAdapter && spawnSync("cc", ["--version"]).status === 0;
if (hasAdapter && !isLosable) console.warn("no C compiler (cc): the tests of a lost GPU are skipped");

/** GPU that is lost and found when the test wants it. */
export interface LosableAdapter {
  lose(): void;
  find(): void;
}

/** Gives processes that start from now on a Vulkan driver in software, until the test ends: its device can be lost. */
export function losableAdapter(): LosableAdapter {
  const folder = mkdtempSync(join(tmpdir(), "adareel-lost-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [library, icd, lost] = ["lost.so", "icd.json", "lost"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const source = join(import.meta.dirname, "lost-device.c");
  execFileSync("cc", ["-shared", "-fPIC", "-o", library, source, "-ldl"]);
  const manifest = JSON.parse(readFileSync(driver, "utf8"));
  writeFileSync(icd, JSON.stringify({ ...manifest, ICD: { ...manifest.ICD, library_path: library } }));
  const environment = {
    ...adapterEnvironment,
    LOST_DRIVER: resolve(dirname(driver), manifest.ICD.library_path),
    LOST_FILE: lost,
    VK_ICD_FILENAMES: icd,
    VK_DRIVER_FILES: icd,
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return {
    lose: () => writeFileSync(lost, ""),
    find: () => rmSync(lost),
  };
}
