import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, Socket } from "node:net";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { type FetchOptions, fetchGuarded } from "../../../lib/service/net/index.ts";
import { system } from "../../../lib/shared/system.ts";

/** Spy on all connections that this process tries to open. */
const connects = vi.spyOn(Socket.prototype, "connect");
beforeEach(() => {
  connects.mockClear();
});

const strict = { allowLoopback: false, blockedHosts: ["api.adareel.example"] };
const local = { ...strict, allowLoopback: true };

const fetchLocal = (url: string, options: Partial<FetchOptions> = {}) =>
  fetchGuarded(url, { rules: local, bytesMax: 1000, timers: system.timers, ...options });

async function serve(answer: RequestListener): Promise<string> {
  const server: Server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/a/picture.png?signature=secret`;
}

const unfetched = (why: string, host = "127.0.0.1") => ({
  ok: false,
  reason: `The picture cannot be fetched from ${host}: ${why}.`,
});

test("a picture is fetched with a GET that carries no credentials", async () => {
  const seen: IncomingMessage[] = [];
  const url = await serve((request, response) => {
    seen.push(request);
    response.end("bytes");
  });
  expect(await fetchLocal(url)).toEqual({ ok: true, body: Buffer.from("bytes") });
  expect([seen[0]!.method, seen[0]!.url]).toEqual(["GET", "/a/picture.png?signature=secret"]);
  expect(Object.keys(seen[0]!.headers).sort()).toEqual([
    "accept",
    "accept-encoding",
    "connection",
    "host",
    "user-agent",
  ]);
});

test("an answer that announces too many bytes is refused before they are read", async () => {
  const url = await serve((_, response) => response.writeHead(200, { "content-length": "1001" }).write("a"));
  expect(await fetchLocal(url)).toEqual(unfetched("its answer has more than 1000 bytes"));
});

test("an endless answer is refused once it is too long, and its connection is closed", async () => {
  let close: () => void;
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const url = await serve((_, response) => {
    const pour = () => {
      while (response.write(Buffer.alloc(300)));
      response.once("drain", pour);
    };
    response.on("close", () => close());
    pour();
  });
  expect(await fetchLocal(url)).toEqual(unfetched("its answer has more than 1000 bytes"));
  await closed;
});

test("an answer of the longest length is taken", async () => {
  const url = await serve((_, response) => response.end(Buffer.alloc(1000)));
  expect(await fetchLocal(url)).toMatchObject({ ok: true });
});

test.each([204, 206, 304, 403, 404, 500])("the status %d is told", async (status) => {
  const url = await serve((_, response) => response.writeHead(status).end());
  expect(await fetchLocal(url)).toEqual(unfetched(`it answered with the status ${status}`));
});

test("an answer that breaks off is no picture", async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, { "content-length": "900" }).write("half");
    setTimeout(() => response.destroy(), 20);
  });
  expect(await fetchLocal(url)).toEqual(unfetched("it broke off its answer"));
});

test("the time limit covers all redirects together", async () => {
  const url = await serve((request, response) => {
    setTimeout(() => response.writeHead(302, { location: request.url! }).end(), 80);
  });
  expect(await fetchLocal(url, { timeoutMs: 200 })).toEqual(unfetched("it took too long"));
});

test("a host that takes no connection is told", async () => {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  expect(await fetchLocal(`http://127.0.0.1:${port}/`)).toEqual(unfetched("it does not take the connection"));
});

test.each([301, 302, 303, 307, 308])("the redirect %d is followed, relative or not", async (status) => {
  const url = await serve((request, response) => {
    if (request.url === "/b.png") response.end("bytes");
    else response.writeHead(status, { location: "../b.png#part" }).end();
  });
  expect(await fetchLocal(url)).toEqual({ ok: true, body: Buffer.from("bytes") });
});

test("more than three redirects are refused", async () => {
  let count = 0;
  const url = await serve((_, response) => {
    count += 1;
    response.writeHead(302, { location: `/${count}` }).end();
  });
  expect(await fetchLocal(url)).toEqual({
    ok: false,
    reason: "The URL of the picture redirects more than 3 times.",
  });
  expect(count).toBe(4);
});

test.each([
  [
    "http://169.254.169.254/latest/meta-data",
    "The URL of a picture must lead to a host on the public internet.",
  ],
  ["http://[::ffff:169.254.169.254]/", "The URL of a picture must lead to a host on the public internet."],
  ["https://metadata.google.internal/", "The URL of a picture must lead to a host on the public internet."],
  ["https://api.adareel.example/", "The URL of a picture may not lead to this service."],
  ["https://example.com:22/", "The URL of a picture must use port 80, 443 or 8443."],
  ["file:///etc/passwd", "The URL of a picture must start with https:// or http://."],
  ["https://a:b@example.com/", "The URL of a picture may not contain a user name or password."],
])("a redirect to %s is checked like the URL itself, and not followed", async (location, reason) => {
  const url = await serve((_, response) => response.writeHead(302, { location }).end());
  expect(await fetchLocal(url)).toEqual({ ok: false, reason: `After a redirect: ${reason}` });
  expect(connects).toHaveBeenCalledTimes(1);
});

test("a redirect to a name is resolved and checked like the first one", async () => {
  const url = await serve((_, response) =>
    response.writeHead(302, { location: "https://inner.example/" }).end(),
  );
  expect(await fetchLocal(url, { resolve: async () => ["10.0.0.1"] })).toEqual(
    unfetched("it does not lead to the public internet", "inner.example"),
  );
  expect(connects).toHaveBeenCalledTimes(1);
});

test.each([
  [["8.8.8.8", "10.0.0.1"], "it does not lead to the public internet"],
  [["127.0.0.1"], "it does not lead to the public internet"],
  [[], "it has no address"],
])("no connection is made for a name that resolves to %j", async (addresses, why) => {
  expect(await fetchLocal("http://pictures.example/a.png", { resolve: async () => addresses })).toEqual(
    unfetched(why, "pictures.example"),
  );
  expect(connects).not.toHaveBeenCalled();
});

test("a picture on the service's own machine is refused unless it allows that, and the sentence names the setting", async () => {
  const url = await serve((_, response) => response.end("bytes"));
  const rules = { ...strict, loopbackSetting: "ALLOW_LOOPBACK_WEBHOOKS=1" };
  expect(await fetchLocal(url, { rules })).toEqual({
    ok: false,
    reason:
      "The URL of a picture must lead to a host on the public internet: to fetch from this machine, start the service " +
      "with ALLOW_LOOPBACK_WEBHOOKS=1.",
  });
  expect(await fetchLocal(url, { rules: strict })).toMatchObject({ ok: false });
  expect(connects).not.toHaveBeenCalled();
});

test("a sentence about a failure has nothing of the URL but the host", async () => {
  const url = await serve((_, response) => response.writeHead(403).end());
  expect(JSON.stringify(await fetchLocal(url))).not.toMatch(/secret|picture\.png/);
});
