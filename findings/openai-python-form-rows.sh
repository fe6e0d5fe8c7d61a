#!/usr/bin/env bash
# openai-python: two different lists of objects make the same form, so no server can tell which row had the member.
#
# Expected: a list of objects among the extra fields of `videos.create` arrives row by row, as in JSON.
#
# What happens: `videos.create` always sends a form. Its fields are collected in a dictionary by name, and all values of one
# name are written together, at the place of its first. `[{"rate": 4}, {"below": 0.3, "rate": 2}]` and
# `[{"rate": 4, "below": 0.3}, {"rate": 2}]` are both sent as `[][rate]` 4, `[][rate]` 2, `[][below]` 0.3. Three rows with two
# members each arrive as three members and then three members.
#
# Why it matters: a server that reads such a form in good faith gives a member to the wrong row, and nobody is told. Ours
# refuses the form where a member could belong to either row. Send a list of objects as one field with the text of its JSON.
#
# Versions: openai 3.22.1, Python 3.11. Date: 2026-11-30
# Needs: Python 3.10 or later with venv. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet openai==3.22.1
"$work/venv/bin/python" - <<'PYTHON'
import re
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer

import openai

warnings.simplefilter("ignore", DeprecationWarning)
forms = []


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        forms.append(re.findall(r'name="rows([^"]*)"\r\n\r\n([^\r]*)', body))
        answer = b'{"id": "video_1"}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(api_key="none", base_url=f"http://127.0.0.1:{server.server_port}/v1")
lists = [
    [{"rate": 4}, {"below": 0.3, "rate": 2}],
    [{"rate": 4, "below": 0.3}, {"rate": 2}],
]
for rows in lists:
    client.videos.create(prompt="a red circle", extra_body={"rows": rows})
    print(rows, "is sent as", *(f"{name}={value}" for name, value in forms[-1]))
print("openai", openai.__version__, "same form:", forms[0] == forms[1])
sys.exit(0 if forms[0] == forms[1] else 1)
PYTHON
