#!/usr/bin/env bash
# versitygw: a write fails, with a message about a directory, if another client deletes the folder's last object meanwhile.
#
# Expected: objects of an S3 server know nothing of each other. Who writes `jobs/7/1` is not concerned with who deletes
# `jobs/7/0`.
#
# What happens: on the posix backend the folders of a key are directories, and a delete removes those that it leaves empty, up
# to the bucket. A write makes them one after the other (backend.MkdirAll). If the outer one is removed before the inner one is
# made, the write answers 409 ExistingObjectIsDirectory, though neither key is a directory. The script has two clients that
# each write and delete an object of their own in one folder, 400 times. With two folders in the key a few writes in a hundred
# fail. With one none does, as nobody removes the bucket. A write repeats its last step, the link into the directory, after
# such a removal (pull request 2006), and not this one.
#
# Why it matters: queues and leases in a bucket write and delete tiny objects under one prefix all the time. The SDKs repeat no
# 409, so the write is lost. AWS has no error of this name, and it leads to a search for a key that ends in a slash. Repeat a
# write with this answer a few times, or keep an object in the outer folder that nobody deletes.
#
# Versions: versitygw v1.8.0 (posix), Go 1.26.8, boto3 1.44.8, Python 3.11.7. Date: 2026-12-01
# Needs: go, python3 with venv; Linux; a folder for temporary files that has extended attributes; exits with 1 if the behaviour
# has changed
set -euo pipefail

work=$(mktemp -d)
server=
stop() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap stop EXIT
cd "$work"
GOBIN=$work CGO_ENABLED=0 go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 2>install.log || {
  cat install.log >&2
  exit 1
}
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check boto3==1.44.8 botocore==1.44.8

mkdir files
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export AWS_ACCESS_KEY_ID=user AWS_SECRET_ACCESS_KEY=not-a-secret
ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
  ./versitygw --port "127.0.0.1:$port" posix files >server.log 2>&1 &
server=$!

cat >main.py <<'PYTHON'
import sys
from collections import Counter
from threading import Thread

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ROUNDS = 400


def client(tries):
    config = Config(retries={"mode": "standard", "total_max_attempts": tries})
    url = f"http://127.0.0.1:{sys.argv[1]}"
    return boto3.session.Session().client("s3", endpoint_url=url, region_name="us-east-1", config=config)


def rounds(s3, key, answers):
    for _ in range(ROUNDS):
        try:
            s3.put_object(Bucket="videos", Key=key, Body=b"")
        except ClientError as error:
            answers[f"{error.response['ResponseMetadata']['HTTPStatusCode']} {error.response['Error']['Code']}"] += 1
            continue
        answers["200"] += 1
        s3.delete_object(Bucket="videos", Key=key)


# The first request waits for the server to start.
client(10).create_bucket(Bucket="videos")
client(3).put_object(Bucket="videos", Key="kept/readme", Body=b"")
seen = {}
for folder in ["jobs", "jobs/7", "kept/7"]:
    seen[folder] = answers = Counter()
    # The SDK's own number of tries.
    threads = [Thread(target=rounds, args=(client(3), f"{folder}/{name}", answers)) for name in "01"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"writes to {folder}/0 and {folder}/1:", ", ".join(f"{count} x {answer}" for answer, count in sorted(answers.items())))
expected = {"jobs": {"200"}, "jobs/7": {"200", "409 ExistingObjectIsDirectory"}, "kept/7": {"200"}}
sys.exit(0 if {folder: set(answers) for folder, answers in seen.items()} == expected else 1)
PYTHON
venv/bin/python main.py "$port"
