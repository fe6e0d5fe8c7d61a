#!/usr/bin/env bash
# S3Proxy on a folder: of two conditions for writes, `If-None-Match: *` has one winner, and `If-Match` has up to all of them.
#
# Expected: a server that takes both conditions keeps both. S3 lets one writer win, whether many create one object or many
# replace one version of it.
#
# What happens: the folder backend (filesystem-nio2) creates objects exclusively. For `If-Match`, handlePutBlob reads the object's
# ETag (checkConditionalWrite) and then writes without a condition. Its source calls that not atomic, and refuses it for other
# stores. One request after another, the answers are right: 412 for an old ETag. The script has 8 clients create one object, and
# 8 clients replace one version, 60 times each.
#
# Why it matters: leases, counters and job records in a bucket are replaced far more often than created. With two winners two
# workers hold one lease and make the same video, or money that was reserved is written over, and every answer was 200. Tests
# pass, most of all those that try the condition for creation, as locks of common tools do. Race both conditions before you trust
# a server.
#
# Versions: s3proxy 4.1.0 (filesystem-nio2), OpenJDK 17.0.15, boto3 1.44.8, Python 3.11.7. Date: 2026-12-01
# Needs: mvn, java 17, python3 with venv; Linux; exits with 1 if the behaviour has changed
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
# The package's own dependencies mix two versions of Jackson; the first entry lets it start.
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-annotations</artifactId><version>2.21</version>
    </dependency>
    <dependency><groupId>org.gaul</groupId><artifactId>s3proxy</artifactId><version>4.1.0</version></dependency>
  </dependencies>
</project>
XML
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=lib >install.log 2>&1 || {
  cat install.log >&2
  exit 1
}
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check boto3==1.44.8 botocore==1.44.8

mkdir files
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo '<configuration/>' >logback.xml
cat >s3proxy.properties <<PROPERTIES
s3proxy.authorization=none
s3proxy.endpoint=http://127.0.0.1:$port
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir=$work/files
PROPERTIES
java -Dlogback.configurationFile=logback.xml -cp 'lib/*' org.gaul.s3proxy.Main --properties s3proxy.properties >server.log 2>&1 &
server=$!

cat >main.py <<'PYTHON'
import sys
from collections import Counter
from threading import Barrier, Thread

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ROUNDS = 60
WRITERS = 8


def client(tries):
    config = Config(retries={"mode": "standard", "total_max_attempts": tries}, s3={"addressing_style": "path"})
    keys = {"aws_access_key_id": "user", "aws_secret_access_key": "not-a-secret"}
    url = f"http://127.0.0.1:{sys.argv[1]}"
    return boto3.session.Session().client("s3", endpoint_url=url, region_name="us-east-1", config=config, **keys)


def status(s3, key, condition):
    try:
        return s3.put_object(Bucket="videos", Key=key, Body=b"new", **condition)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def winners(clients, key, condition):
    """Returns how many of the clients are told 200 if all of them write at once."""
    answers = []
    start = Barrier(WRITERS)

    def write(s3):
        start.wait()
        answers.append(status(s3, key, condition))

    threads = [Thread(target=write, args=(s3,)) for s3 in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {200, 412}, answers
    return answers.count(200)


# The first request waits for the server to start.
s3 = client(20)
s3.create_bucket(Bucket="videos")
clients = [client(3) for _ in range(WRITERS)]
old = s3.put_object(Bucket="videos", Key="record", Body=b"old")["ETag"]
in_turn = [status(s3, "record", {"IfMatch": old}), status(s3, "record", {"IfMatch": old})]
print("one after another, If-Match with the same ETag:", *in_turn)
created, replaced = Counter(), Counter()
for number in range(ROUNDS):
    created[winners(clients, f"lease-{number}", {"IfNoneMatch": "*"})] += 1
    etag = s3.put_object(Bucket="videos", Key=f"record-{number}", Body=b"old")["ETag"]
    replaced[winners(clients, f"record-{number}", {"IfMatch": etag})] += 1
for name, counts in {"If-None-Match": created, "If-Match": replaced}.items():
    told = ", ".join(f"{count} x {won}" for won, count in sorted(counts.items()))
    print(f"{WRITERS} at once, {name}: winners in {ROUNDS} rounds: {told}")
is_as_described = in_turn == [200, 412] and max(created) == 1 and max(replaced) > 1
sys.exit(0 if is_as_described else 1)
PYTHON
venv/bin/python main.py "$port"
