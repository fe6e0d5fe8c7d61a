import type { FileSystem } from "../../lib/service/storage/file-system.ts";
import { openFolderStore } from "../../lib/service/storage/index.ts";
import { Disk } from "./disk.ts";
import { SeededRandom } from "./seeded-random.ts";

/** Folder of the stores of {@link powerlessMachine}. */
export const FOLDER = "/srv/adareel/store";

/**
 * Makes a disk whose power cuts lose all that was not synced, and opens stores over it like several processes. Their
 * file system calls can be replaced.
 */
export function powerlessMachine() {
  const random = new SeededRandom(1);
  const disk = new Disk(() => 0);
  const files = disk.filesFor(async (operation) => operation());
  const open = (change: Partial<FileSystem> = {}) =>
    openFolderStore(FOLDER, { signUrl: () => "", random: random.bytes, files: { ...files, ...change } });
  /** Cuts the power and opens the store again. */
  const restart = () => {
    disk.cutPower({ chance: () => false, pick: (choices) => choices[0]!, integer: (least) => least });
    return open();
  };
  return { files, open, restart };
}
