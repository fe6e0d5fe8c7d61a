import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Stub of the Hugging Face hub for downloads, and of the server of its large files. */

export interface StubRepository {
  /** Files by path. Large files are on the other server and have a checksum. */
  readonly files: Record<string, Buffer | string>;
  readonly commit?: string;
  /** True if a licence must be accepted. */
  readonly gated?: boolean;
}

export interface StubRequest {
  readonly host: "hub" | "files";
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface HubStub {
  readonly url: string;
  readonly repositories: Record<string, StubRepository>;
  readonly requests: StubRequest[];
  readonly faults: {
    /** Faults of the next requests of a large file, by path; null is a correct answer. */
    ranges: Record<string, (number | { breakAfterBytes: number } | null)[]>;
    /** Statuses of the next requests to the hub. */
    hub: number[];
    ignoreRanges: boolean;
    /** Wrong sizes in listings, by path. */
    sizes: Record<string, number>;
    /** Wrong contents of files, by path. */
    contents: Record<string, Buffer>;
  };
  close(): Promise<void>;
}

/** Size from which a file is large. */
const LARGE_BYTES = 1024;
const COMMIT = "0123456789abcdef0123456789abcdef01234567";

export async function startHubStub(repositories: Record<string, StubRepository>): Promise<HubStub> {
  const requests: StubRequest[] = [];
  const faults: HubStub["faults"] = { ranges: {}, hub: [], ignoreRanges: false, sizes: {}, contents: {} };
  const note = (host: StubRequest["host"], request: IncomingMessage) => {
    const { range, authorization } = request.headers;
    requests.push({ host, path: request.url!, range, authorization });
  };
  const filesServer = createServer((request, response) => {
    note("files", request);
    const [id, path] = decodeURIComponent(request.url!.slice(1)).split("|") as [string, string];
    const fault = faults.ranges[path]?.shift();
    if (typeof fault === "number") return respond(response, fault);
    sendFile(request, response, faults.contents[path] ?? bytesOf(repositories[id]!.files[path]!), fault);
  });
  const filesUrl = await listen(filesServer);

  const hubServer = createServer((request, response) => {
    note("hub", request);
    const fault = faults.hub.shift();
    if (fault !== undefined) return respond(response, fault);
    const { pathname } = new URL(request.url!, "http://hub");
    const [, id, rest] = /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(.*)$/.exec(pathname) ?? [];
    const repository = repositories[id!];
    if (!repository) return respond(response, 401, { "X-Error-Code": "RepoNotFound" });
    const commit = repository.commit ?? COMMIT;
    const [verb, revision, ...path] = rest!.split("/").map(decodeURIComponent);
    if (![commit, "main", "v2"].includes(revision!))
      return respond(response, 404, { "X-Error-Code": "RevisionNotFound" });
    if (verb === "revision") return sendJson(response, { _id: "1", id, sha: commit });
    if (verb === "tree") return sendJson(response, treeOf(repository));
    const file = repository.files[path.join("/")];
    if (repository.gated && request.headers.authorization !== "Bearer hf_accepted")
      return respond(response, request.headers.authorization ? 403 : 401, { "X-Error-Code": "GatedRepo" });
    if (file === undefined) return respond(response, 404, { "X-Error-Code": "EntryNotFound" });
    if (bytesOf(file).length < LARGE_BYTES) return sendFile(request, response, bytesOf(file));
    const location = `${filesUrl}/${encodeURIComponent(`${id}|${path.join("/")}`)}`;
    response.writeHead(302, { location }).end();
  });
  const url = await listen(hubServer);

  function treeOf({ files }: StubRepository) {
    return Object.entries(files).map(([path, content]) => {
      const bytes = bytesOf(content);
      const size = faults.sizes[path] ?? bytes.length;
      const oid = createHash("sha256").update(bytes).digest("hex");
      const large = bytes.length < LARGE_BYTES ? {} : { lfs: { oid, size, pointerSize: 134 } };
      return { type: "file", oid: "f".repeat(40), size, path, ...large };
    });
  }

  function sendFile(
    request: IncomingMessage,
    response: ServerResponse,
    bytes: Buffer,
    fault?: { breakAfterBytes: number } | null,
  ): void {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const part = first && !faults.ignoreRanges ? bytes.subarray(Number(first), Number(last) + 1) : bytes;
    response.writeHead(part === bytes ? (first && !faults.ignoreRanges ? 206 : 200) : 206, {
      "content-length": part.length,
    });
    if (!fault) return void response.end(part);
    response.write(part.subarray(0, fault.breakAfterBytes), () => response.destroy());
  }

  return {
    url,
    repositories,
    requests,
    faults,
    async close() {
      for (const server of [hubServer, filesServer]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

function bytesOf(content: Buffer | string): Buffer {
  return typeof content === "string" ? Buffer.from(content) : content;
}

function respond(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers).end();
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
