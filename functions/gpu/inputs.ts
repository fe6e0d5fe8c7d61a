import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RequestError, type ResolvedRequest } from "../../lib/generation/request/index.ts";
import type { JobRecord } from "../../lib/service/jobs/index.ts";
import { type ObjectStore, StoreError } from "../../lib/service/storage/index.ts";
import { JobFailure } from "./failure.ts";

/** Beginning of the names of folders with pictures; the id of the process that made it follows. */
const FOLDER = "adareel-inputs-";

/**
 * Runs `work` with a job's request in which the names of pictures are replaced by paths of files that hold them. The
 * files are in a folder of this user alone, which is removed afterwards, whatever happens to the work.
 *
 * @throws JobFailure if a picture is missing, is damaged or cannot be decoded; errors of `work`
 */
export async function withInputs<R>(
  { inputs }: Pick<JobRecord, "inputs">,
  request: ResolvedRequest,
  { store, signal }: { readonly store: ObjectStore; readonly signal: AbortSignal },
  work: (request: ResolvedRequest) => Promise<R>,
): Promise<R> {
  const { image, lastImage } = request;
  if (image === undefined && lastImage === undefined) return work(request);
  const folder = await mkdtemp(join(tmpdir(), `${FOLDER}${process.pid}-`));
  try {
    const fetched = async (name: string) => {
      signal.throwIfAborted();
      const path = join(folder, name);
      await writeFile(path, await bytesOf(inputs[name], store), { mode: 0o600 });
      return path;
    };
    return await work({
      ...request,
      ...(image !== undefined && { image: await fetched(image) }),
      ...(lastImage !== undefined && { lastImage: await fetched(lastImage) }),
    });
  } catch (cause) {
    throw withoutFolder(cause, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function bytesOf(
  input: JobRecord["inputs"][string] | undefined,
  store: ObjectStore,
): Promise<Uint8Array> {
  const lost = (message: string, cause?: unknown) => new JobFailure("input_lost", message, { cause });
  if (!input) throw lost("The picture of this video is not stored with it.");
  const stored = await store.get(input.key).catch((cause: unknown) => {
    if (cause instanceof StoreError) throw lost("The picture of this video could not be read.", cause);
    throw cause;
  });
  if (!stored) throw lost("The picture of this video is missing.");
  const sha256 = createHash("sha256").update(stored.body).digest("hex");
  if (sha256 !== input.sha256) throw lost("The picture of this video is damaged.");
  return stored.body;
}

/** Names a picture by its field in an error about it, because the message is for the user. */
function withoutFolder(cause: unknown, folder: string): unknown {
  if (!(cause instanceof RequestError) || !cause.message.includes(folder)) return cause;
  return new RequestError(cause.message.replaceAll(`${folder}/`, ""), { cause });
}

/** Removes the pictures that processes of this machine left, which were killed. */
export async function removeAbandonedInputs(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = /^adareel-inputs-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // What cannot be removed belongs to somebody else.
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
