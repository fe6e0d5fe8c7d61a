#!/usr/bin/env bash
# Replicate's clients: `run` answers null, without an error, for a video that is being made.
#
# Expected: `run` orders a prediction and waits for its output. A prediction that is `processing` is waited for, as by the clients'
# own `wait`, which asks again until it is succeeded, failed or canceled.
#
# What happens: by default `run` lets the order itself wait (`Prefer: wait`, at most 60 seconds). An answer whose status is anything
# but `starting` then counts as done (`isDone` in index.js of JavaScript, `in_terminal_state` in run.py). A comment in run.py says
# why: their API answers `processing` when the output is there and `starting` when time is up. A service that answers as the
# statuses are documented, with `processing` and no output, is not asked again. `run` returns null or None, and no id. The script
# orders a video from such a service, and once more without the waiting order. Seen by users of Replicate too
# (replicate-python, issue 385).
#
# Why it matters: videos take longer than a minute, so this is every video. It is made and paid for, nobody fetches it, and what
# reads the output fails later, elsewhere. Ask for `wait: { mode: "poll" }` in JavaScript and `wait=False` in Python.
#
# Versions: replicate 1.4.0 (npm), Node 20.20; replicate 1.0.7 (PyPI), Python 3.11.7. Date: 2026-12-01
# Needs: npm, python3 with venv. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts replicate@1.4.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check replicate==1.0.7 httpx==0.28.1

cat >main.mjs <<'JS'
import Replicate from "replicate";

async function run(options) {
  const requests = [];
  const fetch = async (_, { method = "GET" }) => {
    requests.push(method);
    const isDone = requests.filter((request) => request === "GET").length === 2;
    const urls = { get: "https://api.replicate.com/v1/predictions/1" };
    const rest = isDone ? { status: "succeeded", output: "video.mp4" } : { status: "processing", output: null };
    return Response.json({ id: "1", urls, ...rest });
  };
  const output = await new Replicate({ auth: "none", fetch }).run("maker/model", { input: {}, ...options });
  return `${requests.join(" ")}: ${output}`;
}

const byDefault = await run({});
const polled = await run({ wait: { mode: "poll", interval: 1 } });
console.log(`JavaScript  ${byDefault}; with mode "poll", ${polled}`);
process.exit(byDefault === "POST: null" && polled === "POST GET GET: video.mp4" ? 0 : 1);
JS

cat >main.py <<'PYTHON'
import sys

import httpx
import replicate


def run(**options):
    requests = []

    def answer(request):
        requests.append(request.method)
        is_done = requests.count("GET") == 2
        urls = {"get": "https://api.replicate.com/v1/predictions/1", "cancel": "https://api.replicate.com/v1/predictions/1/cancel"}
        rest = {"status": "succeeded", "output": "video.mp4"} if is_done else {"status": "processing", "output": None}
        return httpx.Response(200, json={"id": "1", "model": "maker/model", "version": "1", "input": {}, "urls": urls, **rest})

    client = replicate.Client(api_token="none", transport=httpx.MockTransport(answer))
    client.poll_interval = 0.01
    output = client.run("maker/model", input={}, **options)
    return f"{' '.join(requests)}: {output}"


by_default, polled = run(), run(wait=False)
print(f"Python      {by_default}; with wait=False, {polled}")
sys.exit(0 if by_default == "POST: None" and polled == "POST GET GET: video.mp4" else 1)
PYTHON
node main.mjs
venv/bin/python main.py
