import type { Programs } from "./programs.ts";

/** Complete programs that list all videos of a key. */
export const PAGES_OF_VIDEOS: Programs = {
  curl: `after=""
while true; do
  page=$(curl -sS "$ADAREEL_URL/v1/videos?limit=100$after" -H "Authorization: Bearer $ADAREEL_API_KEY")
  echo "$page"
  case $page in *'"has_more":true'*) ;; *) break ;; esac
  after="&after=$(echo "$page" | sed -E 's/.*"last_id":"([^"]*)".*/\\1/')"
done`,

  javascript: `const { ADAREEL_URL, ADAREEL_API_KEY } = process.env;

async function* videos(filter = {}) {
  const query = new URLSearchParams({ limit: "100", ...filter });
  for (;;) {
    const response = await fetch(\`\${ADAREEL_URL}/v1/videos?\${query}\`, {
      headers: { Authorization: \`Bearer \${ADAREEL_API_KEY}\` },
    });
    if (!response.ok) throw new Error(await response.text());
    const page = await response.json();
    yield* page.data;
    if (!page.has_more) return;
    query.set("after", page.last_id);
  }
}

for await (const { id, status, prompt } of videos()) console.log(id, status, prompt);
// Others: videos({ status: "failed" }), videos({ "metadata[order]": "42" })`,

  python: `import json
import os
import sys
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

url = os.environ["ADAREEL_URL"]
key = os.environ["ADAREEL_API_KEY"]


def videos(**query):
    query["limit"] = 100
    while True:
        request = Request(f"{url}/v1/videos?{urlencode(query)}", headers={"Authorization": f"Bearer {key}"})
        with urlopen(request) as response:
            page = json.load(response)
        yield from page["data"]
        if not page["has_more"]:
            return
        query["after"] = page["last_id"]


try:
    for video in videos():
        print(video["id"], video["status"], video["prompt"])
    # Others: videos(status="failed"), videos(**{"metadata[order]": "42"})
except HTTPError as error:
    sys.exit(error.read().decode())`,
};
