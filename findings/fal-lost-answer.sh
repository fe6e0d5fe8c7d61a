#!/usr/bin/env bash
# fal's clients: an order whose answer is lost is sent up to 4 times from JavaScript and 10 times from Python, without a key.
#
# Expected: a client repeats what is harmless to repeat. An order for a video that may have arrived is repeated with a key by which
# the service knows it, or it is an error.
#
# What happens: `submit` goes through the same loop as questions (executeWithRetry in retry.js, _maybe_retry_request in
# client.py). Any broken connection is tried again, also one that broke after the whole order was sent, and so is a read that
# timed out in Python ("No user timeout specified, safe to retry"). No header tells the orders apart from new ones. The script
# takes each order in full and breaks the connection before three answers: four orders, one handle. The ids of the other three
# are never seen. The same in another client is ComfyUI's pull request 16204.
#
# Why it matters: answers are lost when a proxy gives up or a server restarts, thus for many orders at once, and each is made up
# to ten times on paid GPUs, while the log of the client has nothing above debug. Compare orders with the bill, and where a service
# knows keys, send the order yourself with one.
#
# Versions: @fal-ai/client 1.10.1, Node 20.20; fal_client 1.0.3, httpx 0.28.1, Python 3.11.7. Date: 2026-12-01
# Needs: npm, python3 with venv. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts @fal-ai/client@1.10.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fal_client==1.0.3 httpx==0.28.1

cat >main.mjs <<'JS'
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createFalClient } from "@fal-ai/client";

/** A queue that loses its first three answers. */
async function queue() {
  const seen = { orders: 0, keys: 0 };
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    seen.orders++;
    if (Object.keys(request.headers).some((name) => /idempotency|request-id/.test(name))) seen.keys++;
    if (seen.orders < 4) return response.destroy();
    const id = `video_${seen.orders}`;
    const url = `https://queue.fal.run/maker/model/requests/${id}`;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ request_id: id, response_url: url, status_url: `${url}/status`, cancel_url: `${url}/cancel` }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { seen, server, base: `http://127.0.0.1:${server.address().port}/` };
}

async function javascript({ base }) {
  const local = (url, init) => fetch(new URL(new URL(url).pathname, base), init);
  const fal = createFalClient({ credentials: "none", fetch: local });
  return (await fal.queue.submit("maker/model", { input: { prompt: "a red circle" } })).request_id;
}

async function python({ base }) {
  const child = spawn("venv/bin/python", ["main.py", base], { stdio: ["ignore", "pipe", "inherit"] });
  const output = await child.stdout.toArray();
  return Buffer.concat(output).toString().trim();
}

let isAsDescribed = true;
for (const [name, order] of Object.entries({ javascript, python })) {
  const service = await queue();
  const id = await order(service);
  service.server.close();
  const { orders, keys } = service.seen;
  console.log(`${name.padEnd(10)} one submit: ${orders} orders, ${keys} with a key; known to the caller: ${id}`);
  isAsDescribed &&= orders === 4 && keys === 0 && id === "video_4";
}
const script = "import fal_client.client; print(fal_client.client.MAX_ATTEMPTS)";
const most = spawnSync("venv/bin/python", ["-c", script], { encoding: "utf8" }).stdout.trim();
console.log(`tries at most in Python: ${most}`);
process.exit(isAsDescribed && most === "10" ? 0 : 1);
JS

cat >main.py <<'PYTHON'
import sys

import fal_client
import fal_client.client

fal_client.client.QUEUE_URL_FORMAT = sys.argv[1]
client = fal_client.SyncClient(key="none")
print(client.submit("maker/model", {"prompt": "a red circle"}).request_id)
PYTHON
node main.mjs
