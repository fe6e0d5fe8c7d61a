import { SAMPLE_PROMPT } from "../../openapi/examples/sample-jobs.ts";
import { WAIT_SECONDS_MAX } from "../../routes/video-order.ts";
import type { Programs } from "./programs.ts";

/** Complete programs that make a video and save it as video.mp4. */
export const QUICK_START: Programs = {
  curl: `api() { curl -sS -H "Authorization: Bearer $ADAREEL_API_KEY" -H "Prefer: wait=${WAIT_SECONDS_MAX}" "$@"; }

export VIDEO_ID=$(api "$ADAREEL_URL/v1/videos" -H "Content-Type: application/json" \\
  -d '{"prompt": "${SAMPLE_PROMPT}"}' |
  grep -o 'video_[0-9a-z]*' | head -n 1)

until api "$ADAREEL_URL/v1/videos/$VIDEO_ID" | grep -Eq '"status":"(completed|failed)"'; do sleep 1; done

api -L --fail-with-body -o video.mp4 "$ADAREEL_URL/v1/videos/$VIDEO_ID/content"`,

  javascript: `import { writeFile } from "node:fs/promises";

const { ADAREEL_URL, ADAREEL_API_KEY } = process.env;

async function api(path, body) {
  const response = await fetch(ADAREEL_URL + path, {
    method: body ? "POST" : "GET",
    headers: {
      Authorization: \`Bearer \${ADAREEL_API_KEY}\`,
      Prefer: "wait=${WAIT_SECONDS_MAX}", // answer when the video is over, or after ${WAIT_SECONDS_MAX} seconds
      ...(body && { "Content-Type": "application/json" }),
    },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return response;
}

const prompt = "${SAMPLE_PROMPT}";
let video = await (await api("/v1/videos", { prompt })).json();
while (video.status === "queued" || video.status === "in_progress") {
  console.log(video.status, video.progress, "%");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  video = await (await api(\`/v1/videos/\${video.id}\`)).json();
}
if (video.status === "failed") throw new Error(video.error.message);

const content = await api(\`/v1/videos/\${video.id}/content\`);
await writeFile("video.mp4", Buffer.from(await content.arrayBuffer()));
console.log("video.mp4", video.compute.steps);`,

  python: `import json
import os
import shutil
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

url = os.environ["ADAREEL_URL"]
key = os.environ["ADAREEL_API_KEY"]


def api(path, body=None):
    request = Request(
        url + path,
        headers={"Content-Type": "application/json", "Prefer": "wait=${WAIT_SECONDS_MAX}"},
        data=None if body is None else json.dumps(body).encode(),
    )
    # The key is for the API alone: it does not follow the redirect to the signed URL.
    request.add_unredirected_header("Authorization", f"Bearer {key}")
    return urlopen(request)


try:
    video = json.load(api("/v1/videos", {"prompt": "${SAMPLE_PROMPT}"}))
    while video["status"] in ("queued", "in_progress"):
        print(video["status"], video["progress"], "%")
        time.sleep(1)
        video = json.load(api(f"/v1/videos/{video['id']}"))
    if video["status"] == "failed":
        sys.exit(video["error"]["message"])
    with api(f"/v1/videos/{video['id']}/content") as content, open("video.mp4", "wb") as file:
        shutil.copyfileobj(content, file)
    print("video.mp4", video["compute"]["steps"])
except HTTPError as error:
    sys.exit(error.read().decode())`,
};
