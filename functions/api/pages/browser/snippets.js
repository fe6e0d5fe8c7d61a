/** Programs that send a request again. They read the address and the key from the environment. */

/**
 * Returns the shell commands that set the environment of the programs, but for the key.
 *
 * @param {string} origin
 */
export function environmentOf(origin) {
  return `export ADAREEL_URL=${origin}\nexport ADAREEL_API_KEY=adr_…`;
}

/**
 * Returns the curl command that sends a request.
 *
 * @param {object} body
 */
export function curlOf(body) {
  return [
    `curl "$ADAREEL_URL/v1/videos"`,
    `-H "Authorization: Bearer $ADAREEL_API_KEY"`,
    `-H "Content-Type: application/json"`,
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(" \\\n  ");
}

/**
 * Quotes a text as one word for a POSIX shell.
 *
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Returns a JavaScript program that makes a video and saves it.
 *
 * @param {object} body
 * @param {string} file name of the video
 */
export function javaScriptOf(body, file) {
  return `import { writeFile } from "node:fs/promises";

const { ADAREEL_URL, ADAREEL_API_KEY } = process.env;

async function send(method, path, body) {
  const response = await fetch(ADAREEL_URL + path, {
    method,
    headers: { authorization: \`Bearer \${ADAREEL_API_KEY}\`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

let video = await send("POST", "/v1/videos", ${JSON.stringify(body, null, 2)});
while (["queued", "in_progress"].includes(video.status)) {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  video = await send("GET", \`/v1/videos/\${video.id}\`);
}
if (video.status === "failed") throw new Error(video.error.message);

const file = await fetch(video.url);
await writeFile("${file}", new Uint8Array(await file.arrayBuffer()));
console.log("${file}:", video.compute.steps.computed, "of", video.compute.steps.requested, "steps computed");
`;
}

/**
 * Returns a Python program that makes a video and saves it.
 *
 * @param {object} body
 * @param {string} file name of the video
 */
export function pythonOf(body, file) {
  return `import json
import os
import time
import urllib.error
import urllib.request


def send(method, path, body=None):
    request = urllib.request.Request(
        os.environ["ADAREEL_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": "Bearer " + os.environ["ADAREEL_API_KEY"],
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise SystemExit(json.load(error)["error"]["message"])


video = send("POST", "/v1/videos", ${pythonLiteral(body)})
while video["status"] in ("queued", "in_progress"):
    time.sleep(1)
    video = send("GET", "/v1/videos/" + video["id"])
if video["status"] == "failed":
    raise SystemExit(video["error"]["message"])

urllib.request.urlretrieve(video["url"], "${file}")
steps = video["compute"]["steps"]
print("${file}:", steps["computed"], "of", steps["requested"], "steps computed")
`;
}

/**
 * Writes a JSON value as a Python literal. The escapes in JSON's strings mean the same in Python's.
 *
 * @param {unknown} value
 * @param {string} indent of the line that the value is in
 * @returns {string}
 */
function pythonLiteral(value, indent = "") {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const deeper = `${indent}    `;
  const lines = Array.isArray(value)
    ? value.map((item) => `${deeper}${pythonLiteral(item, deeper)},\n`)
    : Object.entries(value).map(
        ([name, item]) => `${deeper}${JSON.stringify(name)}: ${pythonLiteral(item, deeper)},\n`,
      );
  const [opening, closing] = Array.isArray(value) ? "[]" : "{}";
  return lines.length === 0 ? `${opening}${closing}` : `${opening}\n${lines.join("")}${indent}${closing}`;
}
