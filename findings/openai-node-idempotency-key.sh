#!/usr/bin/env bash
# openai-node: `idempotencyKey` is in the types of every request, is sent with none, and a repeated order makes a second video.
#
# Expected: `videos.create(order, { idempotencyKey: "order-42" })` sends the key, so that a server which knows such keys makes one
# video, however often the order arrives. The client repeats orders by itself, twice by default.
#
# What happens: `buildHeaders` (client.js) sends the key if the client has a name for its header (`idempotencyHeader`), and no
# client has one. The option is dropped without a word. The script takes an order and breaks the connection before the answer;
# the client sends the order again, without a key, and the server has two. Known of a client from the same generator, where it is
# on purpose, as its service knows no keys (anthropic-sdk-typescript, issue 1112); servers that speak OpenAI's API may know them.
#
# Why it matters: a proxy that gives up after 60 seconds, or a server that restarts, loses answers and not orders. Each is a video
# more on the bill, whose id nobody knows. Whoever set the key believes to be safe from just that. Send the header itself:
# `{ headers: { "Idempotency-Key": "order-42" } }`; it stays the same in repetitions.
#
# Versions: openai 7.59.0, Node 20.20. Date: 2026-12-01
# Needs: npm. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts openai@7.59.0
cat >main.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import OpenAI from "openai";

/** Orders a video from a server that breaks the first connection; returns the keys of the orders that arrived. */
async function ordered(options) {
  const keys = [];
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    keys.push(request.headers["idempotency-key"] ?? "none");
    if (keys.length === 1) return response.destroy();
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ id: `video_${keys.length}`, status: "queued" }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${server.address().port}`, logLevel: "warn" });
  await client.videos.create({ prompt: "a red circle" }, options);
  server.close();
  return keys.join(", ");
}

const option = await ordered({ idempotencyKey: "order-42" });
const header = await ordered({ headers: { "Idempotency-Key": "order-42" } });
console.log(`keys of the orders, with the option: ${option}; with the header: ${header}`);
process.exit(option === "none, none" && header === "order-42, order-42" ? 0 : 1);
JS
node main.mjs
