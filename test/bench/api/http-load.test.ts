import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { measureLoad, openConnection, parseAnswer, sendOnce } from "../../../tools/bench/api/http-load.ts";

async function listening(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test("a request arrives unchanged, and its answer whole", async () => {
  const port = await listening(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    response.end(JSON.stringify([method, url, headers["x-one"], Buffer.concat(chunks).toString()]));
  });
  const { status, body } = await sendOnce(port, {
    method: "POST",
    path: "/a?b=c",
    headers: { "x-one": "1" },
    json: { text: "größer" },
  });
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual(["POST", "/a?b=c", "1", '{"text":"größer"}']);
});

test("one connection serves request after request, with a content length or chunked", async () => {
  const sockets = new Set<unknown>();
  const port = await listening((request, response) => {
    sockets.add(request.socket);
    if (request.url === "/chunked") {
      response.write('{"a":"0\\r\\n');
      response.write("ü".repeat(40_000));
      response.end('"}');
    } else response.writeHead(404).end("nothing");
  });
  const connection = await openConnection(port);
  onTestFinished(() => connection.close());
  const chunked = await connection.send({ method: "GET", path: "/chunked" });
  expect(JSON.parse(chunked.body)).toEqual({ a: `0\r\n${"ü".repeat(40_000)}` });
  expect(await connection.send({ method: "GET", path: "/none" })).toEqual({ status: 404, body: "nothing" });
  expect(sockets.size).toBe(1);
});

test("a load sends as many requests over as many connections as it was told", async () => {
  const sockets = new Set<unknown>();
  const paths: string[] = [];
  const port = await listening((request, response) => {
    sockets.add(request.socket);
    paths.push(request.url!);
    response.end("{}");
  });
  let sent = 0;
  const round = await measureLoad({
    port,
    connections: 3,
    requests: 20,
    next: () => ({ method: "GET", path: `/${sent++}` }),
  });
  expect(sockets.size).toBe(3);
  expect(paths.map((path) => Number(path.slice(1))).sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
  expect(round.p99).toBeGreaterThanOrEqual(round.p50);
});

test("a load whose requests are refused is not counted as a measurement", async () => {
  const port = await listening((_request, response) => response.writeHead(429).end("too many"));
  const load = { port, connections: 2, requests: 4, next: () => ({ method: "GET", path: "/" }) as const };
  await expect(measureLoad(load)).rejects.toThrow("GET was answered with 429: too many");
});

test("a server that hangs up fails the request instead of leaving it waiting", async () => {
  const port = await listening((request) => request.socket.destroy());
  await expect(sendOnce(port, { method: "GET", path: "/" })).rejects.toThrow(/closed|ECONNRESET/);
});

test("a truncated answer is not taken for a whole one", () => {
  const whole = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour";
  for (let length = 0; length < whole.length; length++)
    expect(parseAnswer(whole.slice(0, length))).toBeNull();
  expect(parseAnswer(whole)).toEqual({ status: 200, body: "four" });
});
