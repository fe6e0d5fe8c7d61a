import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server as NetServer,
  Socket,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type PostOptions, postGuarded } from "../../../lib/service/net/index.ts";
import { system } from "../../../lib/shared/system.ts";

/** Spy on all connections that this process tries to open. */
const connects = vi.spyOn(Socket.prototype, "connect");
beforeEach(() => {
  connects.mockClear();
});

const message = {
  headers: { "content-type": "application/json" },
  body: '{"type":"video.completed"}',
  ...system,
};

function postLocal(url: string, options: Partial<PostOptions> = {}) {
  return postGuarded(url, { ...message, allowLoopback: true, ...options });
}

async function listen(server: NetServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    (server as Partial<Server>).closeAllConnections?.();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function serve(answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(answer))}/hook`;
}

/** Serves these bytes as the answer to any request, and then calls `then` with the connection. */
async function serveBytes(text: string, then: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.write(text, () => then(socket)));
  });
  return `http://127.0.0.1:${await listen(server)}/hook`;
}

const milliseconds = expect.any(Number);
const answered = (status: number, retryAfterSeconds: number | null = null) => ({
  ok: true,
  status,
  retryAfterSeconds,
  milliseconds,
});
const failed = (reason: string) => ({ ok: false, reason, milliseconds });

describe("what is sent", () => {
  test("a request consists of the given body and headers, and nothing that identifies the sender", async () => {
    const seen: { request: IncomingMessage; body: string }[] = [];
    const url = await serve(async (request, response) => {
      seen.push({ request, body: (await buffer(request)).toString() });
      response.end("thanks");
    });
    expect(await postLocal(url)).toEqual(answered(200));
    const { request, body } = seen[0]!;
    expect([request.method, request.url, body]).toEqual(["POST", "/hook", message.body]);
    expect(request.headers).toEqual({
      "content-type": "application/json",
      "content-length": String(message.body.length),
      host: new URL(url).host,
      connection: "close",
    });
  });

  test("a request body is measured in bytes, whatever its letters", async () => {
    let body = "";
    const url = await serve(async (request, response) => {
      body = (await buffer(request)).toString();
      response.end();
    });
    await postLocal(url, { body: "é😀" });
    expect(body).toBe("é😀");
    await postLocal(url, { body: new Uint8Array([65, 66]) });
    expect(body).toBe("AB");
  });

  test("a request uses a connection of its own", async () => {
    const ports = new Set<number | undefined>();
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end();
    });
    await postLocal(url);
    await postLocal(url);
    expect(ports.size).toBe(2);
  });

  test("a header that cannot be sent throws to the caller", async () => {
    await expect(postLocal("http://127.0.0.1:9/", { headers: { "x-id": "a\nb" } })).rejects.toThrow(
      TypeError,
    );
  });
});

describe("the answer", () => {
  test.each([200, 204, 304, 400, 410, 500])("the answer %d is reported as a status", async (status) => {
    const url = await serve((_, response) => response.writeHead(status).end());
    expect(await postLocal(url)).toEqual(answered(status));
  });

  test.each([301, 302, 303, 307, 308])(
    "the redirect %d is reported as a status, and its location is not requested",
    async (status) => {
      const location = "http://169.254.169.254/latest/meta-data";
      const url = await serve((_, response) => response.writeHead(status, { location }).end());
      expect(await postLocal(url)).toEqual(answered(status));
      expect(connects).toHaveBeenCalledTimes(1);
    },
  );

  test.each([
    ["120", 120],
    ["Fri, 31 Dec 1999 23:59:59 GMT", 0],
    ["later", null],
  ])("an answer with Retry-After: %s is reported with %s seconds", async (header, seconds) => {
    const url = await serve((_, response) => response.writeHead(503, { "retry-after": header }).end());
    expect(await postLocal(url)).toEqual(answered(503, seconds));
  });

  test("an endless answer counts after 64 KiB, and the connection is closed", async () => {
    let close: () => void;
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const url = await serve((_, response) => {
      const chunk = Buffer.alloc(16_384);
      const pour = () => {
        while (response.write(chunk));
        response.once("drain", pour);
      };
      response.on("close", close);
      pour();
    });
    expect(await postLocal(url)).toEqual(answered(200));
    await closed;
  });

  test("an answer may come later than five seconds after the connection", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const url = await serve(async (_, response) => {
      await vi.advanceTimersByTimeAsync(5000);
      response.end();
    });
    expect(await postLocal(url)).toEqual(answered(200));
  });

  test("informational responses before the answer are ignored", async () => {
    const text =
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
    expect(await postLocal(await serveBytes(text, (socket) => socket.end()))).toEqual(answered(202));
  });
});

describe("no answer", () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
  const end = (socket: Socket) => socket.end();
  const reset = (socket: Socket) => socket.resetAndDestroy();

  test.each([
    ["a connection that ends at once", "", end],
    ["a connection that is reset at once", "", reset],
    ["an end after the headers", `${head}half`, end],
    ["a reset after the headers", `${head}half`, reset],
    ["another protocol", "SSH-2.0-OpenSSH_9.9\r\n", () => undefined],
    ["headers without end", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(100_000)}`, () => undefined],
    ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", end],
  ])("a reset is reported for %s", async (_, text, then) => {
    expect(await postLocal(await serveBytes(text, then))).toEqual(failed("reset"));
  });

  test.each([
    ["nothing", ""],
    ["a header that never ends", "HTTP/1.1 200 OK\r\nx: "],
    ["a body that never ends", "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"],
  ])("a timeout is reported for a server that sends %s, letter by letter", async (_, text) => {
    const drip = (socket: Socket) => {
      const timer = setInterval(() => socket.write("a"), 10);
      socket.on("close", () => clearInterval(timer));
    };
    const url = await serveBytes(text, text === "" ? () => undefined : drip);
    expect(await postLocal(url, { timeoutMs: 200 })).toEqual(failed("timeout"));
  });

  test("a port where nobody listens is a failure to connect", async () => {
    const server = createTcpServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    expect(await postLocal(`http://127.0.0.1:${port}/`)).toEqual(failed("connect"));
  });

  test("an address that does not answer in five seconds is a failure to connect", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    connects.mockImplementationOnce(function (this: Socket) {
      return Object.assign(this, { connecting: true });
    });
    const result = postLocal("http://127.0.0.1:9/");
    await new Promise(setImmediate);
    expect(connects).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(4999);
    expect(await Promise.race([result, "waiting"])).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1);
    expect(await result).toEqual(failed("connect"));
  });

  test.each([
    ["unknown", () => Promise.reject(new Error("ENOTFOUND")), "dns"],
    ["without addresses", () => Promise.resolve([]), "dns"],
    ["not resolved in time", () => new Promise<string[]>(() => undefined), "timeout"],
  ])("a name that is %s fails, and no connection is made", async (_, resolve, reason) => {
    const result = await postGuarded("https://hooks.example/", { ...message, resolve, timeoutMs: 200 });
    expect(result).toEqual(failed(reason));
    expect(connects).not.toHaveBeenCalled();
  });
});

describe("a blocked URL", () => {
  test.each([
    ["https://127.0.0.1/", "blocked_address"],
    ["https://169.254.169.254/", "blocked_address"],
    ["https://2852039166:8443/", "blocked_address"],
    ["https://[::1]/", "blocked_address"],
    ["https://[::ffff:169.254.169.254]/", "blocked_address"],
    ["https://localhost/", "blocked_address"],
    ["https://api.adareel.example/", "blocked_address"],
    ["http://127.0.0.1/", "invalid_url"],
    ["http://hooks.example/", "invalid_url"],
    ["https://hooks.example:22/", "invalid_url"],
    ["nonsense", "invalid_url"],
  ])("no connection is made to %s (%s)", async (url, reason) => {
    const resolve = vi.fn(async () => ["127.0.0.1"]);
    const options = { ...message, resolve, blockedHosts: ["api.adareel.example"] };
    expect(await postGuarded(url, options)).toEqual(failed(reason));
    expect(resolve).not.toHaveBeenCalled();
    expect(connects).not.toHaveBeenCalled();
  });

  test.each([
    { addresses: ["127.0.0.1"] },
    { addresses: ["169.254.169.254"] },
    { addresses: ["8.8.8.8", "10.0.0.1"] },
    { addresses: ["10.0.0.1", "8.8.8.8"] },
    { addresses: ["8.8.8.8", "2606:4700:4700::1111", "fe80::1%2"] },
    { addresses: ["::ffff:8.8.8.8"] },
    { addresses: ["not an address"] },
  ])(
    "no connection is made for a name that resolves to $addresses, with loopback allowed or not",
    async ({ addresses }) => {
      for (const allowLoopback of [false, true]) {
        const resolve = async () => addresses;
        const result = await postGuarded("https://hooks.example/", { ...message, resolve, allowLoopback });
        expect(result).toEqual(failed("blocked_address"));
      }
      expect(connects).not.toHaveBeenCalled();
    },
  );

  test.each([{ addresses: ["8.8.8.8"] }, { addresses: ["127.0.0.1", "10.0.0.1"] }])(
    "no connection is made for a localhost that resolves to $addresses",
    async ({ addresses }) => {
      const result = await postLocal("http://localhost/", { resolve: async () => addresses });
      expect(result).toEqual(failed("blocked_address"));
      expect(connects).not.toHaveBeenCalled();
    },
  );
});

test("a name is resolved once, so that a second answer cannot lead elsewhere", async () => {
  const hosts: (string | undefined)[] = [];
  const url = await serve((request, response) => {
    hosts.push(request.headers.host);
    response.end();
  });
  const named = url.replace("127.0.0.1", "localhost");
  const resolve = vi.fn(async () => ["169.254.169.254"]).mockResolvedValueOnce(["127.0.0.1"]);
  expect(await postLocal(named, { resolve })).toEqual(answered(200));
  expect(resolve.mock.calls).toEqual([["localhost"]]);
  expect(hosts).toEqual([new URL(named).host]);
});

test("the connection goes to the address that was resolved, and not to the system's answer", async () => {
  const url = await serve((_, response) => response.end());
  const named = url.replace("127.0.0.1", "localhost");
  expect(await postLocal(named, { resolve: async () => ["127.0.0.9"] })).toEqual(failed("connect"));
});

test("one answering address of several is enough", async () => {
  const url = await serve((_, response) => response.end());
  const named = url.replace("127.0.0.1", "localhost");
  const resolve = async () => ["127.0.0.2", "::1", "127.0.0.1"];
  expect(await postLocal(named, { resolve })).toEqual(answered(200));
});

test("the system's resolver is the default", async () => {
  const url = await serve((_, response) => response.end());
  expect(await postLocal(url.replace("127.0.0.1", "localhost"))).toEqual(answered(200));
});

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe.skipIf(!hasOpenssl)("over TLS (needs openssl)", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "guarded-request-"));
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"];
    spawnSync("openssl", ["req", "-x509", ...key, "-out", "cert.pem", "-days", "2", ...subject], {
      cwd: folder,
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Starts a TLS server. `names` are the server names (SNI) of its requests. */
  async function serveTls(): Promise<{ port: number; names: unknown[] }> {
    const names: unknown[] = [];
    const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(folder, name)));
    const server = createTlsServer({ key, cert }, (request, response) => {
      names.push((request.socket as TLSSocket).servername);
      response.end();
    });
    return { port: await listen(server), names };
  }

  test("an untrusted certificate is refused, and no request is sent", async () => {
    const { port, names } = await serveTls();
    expect(await postLocal(`https://localhost:${port}/`)).toEqual(failed("tls"));
    expect(names).toEqual([]);
  });

  test("a trusted certificate is valid for its own name only, whatever the environment says", async () => {
    const { port, names } = await serveTls();
    const script = `
      const { postGuarded } = await import("${new URL("../../../lib/service/net/index.ts", import.meta.url)}");
      const { system } = await import("${new URL("../../../lib/shared/system.ts", import.meta.url)}");
      const options = { headers: {}, body: "{}", allowLoopback: true, ...system };
      const hosts = ["localhost", "127.0.0.1"];
      const post = (host) => postGuarded("https://" + host + ":${port}/", options);
      console.log(JSON.stringify(await Promise.all(hosts.map(post))));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", script],
      {
        env: {
          ...process.env,
          NODE_EXTRA_CA_CERTS: join(folder, "cert.pem"),
          NODE_TLS_REJECT_UNAUTHORIZED: "0",
        },
      },
    );
    expect(JSON.parse(stdout)).toEqual([answered(200), failed("tls")]);
    expect(names).toEqual(["localhost"]);
  });

  test("a server without TLS is a TLS failure", async () => {
    const url = await serve((_, response) => response.end());
    expect(await postLocal(url.replace("http:", "https:"))).toEqual(failed("tls"));
  });
});
