import { downloadFile, listFiles, modelInfo } from "@huggingface/hub";
import type { Sleep } from "../../shared/ports.ts";
import { retry, Tries } from "../../shared/retry.ts";
import { HubError } from "./hub-error.ts";
import { hubFetch, isRetryable } from "./hub-fetch.ts";

export interface HubOptions {
  /** URL of the hub, such as https://huggingface.co, without a trailing slash. */
  readonly url: string;
  /** Access token of an account, for repositories that are not public. */
  readonly token: string | undefined;
  /** Waits between two tries. A rejection ends the request. */
  readonly sleep: Sleep;
}

/** File of a repository at one commit. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 in hex for files in large file storage; null for files in git itself. */
  readonly sha256: string | null;
}

export interface Repository {
  /** Id of the repository, such as `Wan-AI/Wan2.1-T2V-1.3B-Diffusers`. */
  readonly id: string;
  readonly commit: string;
}

/** Subset of the Hugging Face hub that downloading needs. All methods reject with HubError. */
export interface Hub {
  /** Resolves a branch, a tag or a commit to the current commit of a repository. */
  repository(id: string, revision?: string): Promise<Repository>;
  files(repository: Repository): Promise<readonly HubFile[]>;
  /**
   * Reads the bytes from `start` to `end`, both included, in pieces as they arrive. After a broken connection
   * it continues where it broke.
   */
  read(repository: Repository, file: HubFile, range: ByteRange): AsyncIterable<Uint8Array>;
  /** Rejects for a file of weights that cannot be read; absent where that is not known before the file is here. */
  check?(repository: Repository, file: HubFile): Promise<void>;
}

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Waits between tries: a connection may be down for half a minute. */
const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 16_000];
const FILES_MAX = 10_000;

/**
 * Opens the hub.
 *
 * @throws HubError if the token is not one of the hub
 */
export function openHub({ url, token, sleep }: HubOptions): Hub {
  if (token !== undefined && !/^hf_\w+$/.test(token)) {
    throw new HubError("HF_TOKEN is not a token of the Hugging Face hub, which begins with hf_.");
  }
  const access = { hubUrl: url, ...(token === undefined ? {} : { accessToken: token }) };

  const retrying = { waits: WAITS_MS, sleep, isRetryable, exhausted: unreachable };

  function unreachable(cause: unknown): HubError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${url} cannot be reached (${reason}): try again later; files downloaded so far are kept.`;
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
      // The address is known, and only a range of it is needed. Xet, which has its own protocol, does not offer that.
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
          if (!isFile(file))
            throw new HubError(`${url} lists a file of ${id} with an invalid path, size or hash.`);
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
            if (next > end + 1) throw new HubError(`${url} sent more bytes of ${file.path} than requested.`);
            yield bytes;
          }
          // A stream that ended too early without an error is a broken connection too.
          if (next <= end) throw new Error("the connection ended early");
        } catch (error) {
          // The client library reports a failed stream by its message only.
          await tries.failed(fetching.failure() ?? error);
        }
      }
    },
  };
}

/** Checks a file of a listing, which comes from an untrusted server. */
function isFile({ path, sizeBytes, sha256 }: HubFile): boolean {
  const hasHash = sha256 === null || /^[0-9a-f]{64}$/.test(sha256);
  return typeof path === "string" && Number.isSafeInteger(sizeBytes) && sizeBytes >= 0 && hasHash;
}
