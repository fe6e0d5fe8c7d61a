import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkWeightsFile } from "../../generation/checkpoint/index.ts";
import type { Hub, HubFile } from "./hub.ts";
import { HubError } from "./hub-error.ts";

/** Placeholder for the commit, which a folder does not have. */
const AS_IT_IS = "folder";

/** Extends the hub by one more repository: a folder on this machine, whose id is its path. */
export function withFolder(hub: Hub, folder: string): Hub {
  return {
    async repository(id, revision = AS_IT_IS) {
      if (id !== folder) return hub.repository(id, revision === AS_IT_IS ? undefined : revision);
      if (revision === AS_IT_IS) return { id, commit: AS_IT_IS };
      throw new HubError(`${folder} is a folder, which has no revisions.`);
    },
    files: (repository) => (repository.id === folder ? filesIn(folder, "") : hub.files(repository)),
    read(repository, file, range) {
      if (repository.id !== folder) return hub.read(repository, file, range);
      // Streams do not accept an empty range.
      return range.end < range.start ? nothing() : createReadStream(join(folder, file.path), range);
    },
    async check(repository, file) {
      if (repository.id !== folder || !file.path.endsWith(".safetensors")) return;
      await checkWeightsFile(join(folder, file.path)).catch((cause: Error) => {
        throw new HubError(`${cause.message}.`, { cause });
      });
    },
  };
}

/**
 * Lists the files of a folder and of its subfolders, one level deep. Links are followed: a Hugging Face cache
 * consists of them.
 */
async function filesIn(folder: string, within: string): Promise<HubFile[]> {
  const files: HubFile[] = [];
  for (const name of await readdir(join(folder, within))) {
    if (name.startsWith(".")) continue;
    const path = within + name;
    const status = await stat(join(folder, path));
    if (status.isFile()) files.push({ path, sizeBytes: status.size, sha256: null });
    else if (status.isDirectory() && within === "") files.push(...(await filesIn(folder, `${path}/`)));
  }
  return files;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
