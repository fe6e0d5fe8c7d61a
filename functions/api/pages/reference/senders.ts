import { SAMPLE_PAYLOAD } from "../../openapi/examples/trigger-examples.ts";
import { JAVASCRIPT, literal, PYTHON } from "./literal.ts";
import type { Programs } from "./programs.ts";

/** Programs that send a webhook to a trigger as GitHub does, with its signature. */
export const SENDERS: Programs = {
  curl: `payload='${JSON.stringify(SAMPLE_PAYLOAD)}'
signature=$(printf %s "$payload" | openssl dgst -sha256 -hmac "$TRIGGER_SECRET" | sed 's/.* //')

curl "$ADAREEL_URL/v1/triggers/$TRIGGER_ID/invoke" \\
  -H "Content-Type: application/json" \\
  -H "X-GitHub-Event: issues" \\
  -H "X-Hub-Signature-256: sha256=$signature" \\
  -d "$payload"`,

  javascript: `import { createHmac } from "node:crypto";

const { ADAREEL_URL, TRIGGER_ID, TRIGGER_SECRET } = process.env;

const payload = JSON.stringify(${literal(SAMPLE_PAYLOAD, JAVASCRIPT)});
const signature = createHmac("sha256", TRIGGER_SECRET).update(payload).digest("hex");

const response = await fetch(\`\${ADAREEL_URL}/v1/triggers/\${TRIGGER_ID}/invoke\`, {
  method: "POST",
  headers: {
    "Content-Type": "application/json",
    "X-GitHub-Event": "issues",
    "X-Hub-Signature-256": \`sha256=\${signature}\`,
  },
  body: payload,
});
if (!response.ok) throw new Error(await response.text());
console.log(await response.json());`,

  python: `import hashlib
import hmac
import json
import os
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

url = os.environ["ADAREEL_URL"]
trigger_id = os.environ["TRIGGER_ID"]
secret = os.environ["TRIGGER_SECRET"]

payload = json.dumps(${literal(SAMPLE_PAYLOAD, PYTHON)}).encode()
signature = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()

request = Request(
    f"{url}/v1/triggers/{trigger_id}/invoke",
    method="POST",
    headers={
        "Content-Type": "application/json",
        "X-GitHub-Event": "issues",
        "X-Hub-Signature-256": f"sha256={signature}",
    },
    data=payload,
)
try:
    with urlopen(request) as response:
        print(json.dumps(json.load(response), indent=2))
except HTTPError as error:
    sys.exit(error.read().decode())`,
};
