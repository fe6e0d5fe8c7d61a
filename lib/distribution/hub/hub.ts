import { downloadFile, listFiles, modelInfo } from "@huggingface/hub";
import type { Sleep } from "../../shared/ports.ts";
import { retry, Tries } from "../../shared/retry.ts";
import { HubError } from "./hub-error.ts";
import { hubFetch, isRetryable } from "./hub-fetch.ts";

export interface HubOptions {
  /** Such as https://huggingface.co, without a slash at its end. */
  readonly url: string;
  /** A token of an account, for what is not public. */
  readonly token: string | undefined;
  /** Between two tries; rejects to end it all. */
  readonly sleep: Sleep;
}

/** A file of a repository at one commit. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** In hex, of files in large file storage; null of those that git keeps itself. */
  readonly sha256: string | null;
}

export interface Repository {
  /** Such as `Wan-AI/Wan2.1-T2V-1.3B-Diffusers`. */
  readonly id: string;
  readonly commit: string;
}

/** The part of the Hugging Face hub that downloading needs. Everything here rejects with HubError. */
export interface Hub {
  /** The repository at what a branch, a tag or a commit is now. */
  repository(id: string, revision?: string): Promise<Repository>;
  files(repository: Repository): Promise<readonly HubFile[]>;
  /**
   * The bytes from `start` to `end`, both included, in pieces as they come; a connection that breaks is taken up where it
   * broke.
   */
  read(repository: Repository, file: HubFile, range: ByteRange): AsyncIterable<Uint8Array>;
}

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A connection may be away for half a minute. */
const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 16_000];
const FILES_MAX = 10_000;

/** @throws HubError for a token that cannot be one */
export function openHub({ url, token, sleep }: HubOptions): Hub {
  if (token !== undefined && !/^hf_\w+$/.test(token)) {
    throw new HubError("HF_TOKEN is not a token of the Hugging Face hub, which begins with hf_.");
  }
  const access = { hubUrl: url, ...(token === undefined ? {} : { accessToken: token }) };

  const retrying = { waits: WAITS_MS, sleep, isRetryable, exhausted: unreachable };

  function unreachable(cause: unknown): HubError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${url} cannot be reached (${reason}): try again later, what is there is kept.`;
    return new HubError(message, { cause });
  }

  async function open({ id, commit }: Repository, file: HubFile, { start, end }: ByteRange) {
    const fetching = hubFetch({ url, id, token });
    const blob = await downloadFile({
      ...access,
      repo: id,
      path: file.path,
      revision: commit,
      fetch: fetching.fetch,
      // The address is known, and a range of it is all that is wanted: xet has a protocol of its own.
      xet: false,
      downloadInfo: {
        size: file.sizeBytes,
        etag: commit,
        url: `${url}/${id}/resolve/${commit}/${file.path.split("/").map(encodeURIComponent).join("/")}`,
      },
    });
    return { stream: blob!.slice(start, end + 1).stream(), fetching };
  }

  return {
    async repository(id, revision = "main") {
      const { fetch } = hubFetch({ url, id, token });
      const name = id;
      const info = await retry(
        () => modelInfo({ ...access, name, revision, fetch, additionalFields: ["sha"] }),
        retrying,
      );
      if (typeof info.sha === "string" && /^[0-9a-f]{40}$/.test(info.sha)) return { id, commit: info.sha };
      throw new HubError(`${url} does not say which commit ${revision} of ${id} is.`);
    },

    files({ id, commit }) {
      const { fetch } = hubFetch({ url, id, token });
      return retry(async () => {
        const files: HubFile[] = [];
        for await (const { type, path, size, lfs } of listFiles({
          ...access,
          repo: id,
          revision: commit,
          recursive: true,
          fetch,
        })) {
          const file = { path, sizeBytes: lfs?.size ?? size, sha256: lfs?.oid ?? null };
          if (!isFile(file)) throw new HubError(`${url} lists a file of ${id} that cannot be one.`);
          if (type === "file") files.push(file);
          if (files.length > FILES_MAX) throw new HubError(`${id} has more than ${FILES_MAX} files.`);
        }
        return files;
      }, retrying);
    },

    async *read(repository, file, { start, end }) {
      let next = start;
      const tries = new Tries(retrying);
      while (next <= end) {
        const { stream, fetching } = await open(repository, file, { start: next, end });
        try {
          for await (const bytes of stream as unknown as AsyncIterable<Uint8Array>) {
            next += bytes.length;
            tries.restart();
            if (next > end + 1)
              throw new HubError(`${url} gives more of ${file.path} than it was asked for.`);
            yield bytes;
          }
          // An end that came early and looked like one is a broken connection too.
          if (next <= end) throw new Error("the connection ended early");
        } catch (error) {
          // The client tells of a failed stream by its message alone.
          await tries.failed(fetching.failure() ?? error);
        }
      }
    },
  };
}

/** A listing is another machine's word. */
function isFile({ path, sizeBytes, sha256 }: HubFile): boolean {
  const hasHash = sha256 === null || /^[0-9a-f]{64}$/.test(sha256);
  return typeof path === "string" && Number.isSafeInteger(sizeBytes) && sizeBytes >= 0 && hasHash;
}
