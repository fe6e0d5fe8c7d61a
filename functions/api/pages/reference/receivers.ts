import { TOLERANCE_SECONDS } from "../../../../lib/service/net/index.ts";
import type { Programs } from "./programs.ts";

/** Complete receivers of webhooks that verify them without a library. */
export const RECEIVERS: Programs = {
  javascript: `import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.slice("whsec_".length), "base64");
const seen = new Set(); // in production: ids in your database

function isGenuine(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": given = "" } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) < ${TOLERANCE_SECONDS})) return false;
  const mac = createHmac("sha256", key).update(\`\${id}.\${timestamp}.\`).update(body).digest("base64");
  const ours = Buffer.from(\`v1,\${mac}\`);
  // During a rotation there are two signatures; one has to match.
  return given.split(" ").some((each) => {
    const theirs = Buffer.from(each);
    return theirs.length === ours.length && timingSafeEqual(theirs, ours);
  });
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks); // the bytes as they came, not JSON that was written again
  if (!isGenuine(request.headers, body)) return response.writeHead(401).end();
  const event = JSON.parse(body);
  if (!seen.has(event.id)) {
    seen.add(event.id); // a webhook may come twice, with the same id
    console.log(event.type, event.data.id);
  }
  response.writeHead(204).end();
});
server.listen(Number(process.env.PORT ?? 8080), () => console.log("listening on", server.address().port));`,

  python: `import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

key = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
seen = set()  # in production: ids in your database


def is_genuine(headers, body):
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > ${TOLERANCE_SECONDS}:
        return False
    mac = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256)
    ours = "v1," + base64.b64encode(mac.digest()).decode()
    # During a rotation there are two signatures; one has to match.
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(ours.encode(), theirs.encode()) for theirs in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        # The bytes as they came, not JSON that was written again.
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        genuine = is_genuine(self.headers, body)
        if genuine:
            event = json.loads(body)
            if event["id"] not in seen:
                seen.add(event["id"])  # a webhook may come twice, with the same id
                print(event["type"], event["data"]["id"], flush=True)
        self.send_response(204 if genuine else 401)
        self.end_headers()


server = HTTPServer(("127.0.0.1", int(os.environ.get("PORT", 8080))), Receiver)
print("listening on", server.server_port, flush=True)
server.serve_forever()`,
};

/** Verification by the libraries of Standard Webhooks. */
export const LIBRARIES: Programs = {
  javascript: `import { Webhook } from "standardwebhooks"; // npm install standardwebhooks

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const event = webhook.verify(body, headers); // throws if it is not genuine`,

  python: `from standardwebhooks.webhooks import Webhook  # pip install standardwebhooks

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
event = webhook.verify(body, headers)  # raises if it is not genuine`,
};
