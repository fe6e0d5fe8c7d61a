import type { Programs } from "./programs.ts";

/** Programs that read the stream of a video, event by event. */
export const READERS: Required<Programs> = {
  curl: `curl -N "$ADAREEL_URL/v1/videos/$VIDEO_ID/stream" \\
  -H "Authorization: Bearer $ADAREEL_API_KEY"`,
  javascript: `const { ADAREEL_URL, ADAREEL_API_KEY, VIDEO_ID } = process.env;

const response = await fetch(\`\${ADAREEL_URL}/v1/videos/\${VIDEO_ID}/stream\`, {
  headers: { Authorization: \`Bearer \${ADAREEL_API_KEY}\` },
});
if (!response.ok) throw new Error(await response.text());
let text = "";
for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
  text += part;
  const blocks = text.split("\\n\\n");
  text = blocks.pop();
  for (const block of blocks) {
    const fields = Object.fromEntries(block.split("\\n").map((line) => line.split(/: (.*)/s)));
    // Keep the last id: sent as Last-Event-ID, it makes the next stream go on from there.
    if (fields.event) console.log(fields.id, fields.event, JSON.parse(fields.data));
  }
}`,
  python: `import json
import os
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

url = os.environ["ADAREEL_URL"]
key = os.environ["ADAREEL_API_KEY"]
video_id = os.environ["VIDEO_ID"]

request = Request(
    f"{url}/v1/videos/{video_id}/stream",
    headers={"Authorization": f"Bearer {key}"},
)
try:
    with urlopen(request) as response:
        fields = {}
        for line in response:
            name, _, value = line.decode().rstrip("\\n").partition(": ")
            if name:
                fields[name] = value
            elif "event" in fields:
                # Keep the last id: sent as Last-Event-ID, it makes the next stream go on from there.
                print(fields["id"], fields["event"], json.loads(fields["data"]))
                fields = {}
            else:
                fields = {}
except HTTPError as error:
    sys.exit(error.read().decode())`,
};
