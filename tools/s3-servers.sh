#!/usr/bin/env bash
# Runs the contract of object stores and uploads (test/service/storage), a job (test/gpu) and commands (test/cli)
# against real S3 servers on this machine: versitygw from the Go proxy if Go is installed, and moto from PyPI if Python
# is. Over versitygw a storm kills eight workers that look for their jobs in a bucket. Fails if a server fails a check
# that docs/object-stores.md does not list as missing, if the storm breaks a promise, and in CI if a server cannot be
# installed.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/skipped.sh

MOTO_VERSION=5.2.5
VERSITYGW_VERSION=v1.8.0
MOTO_LACKS="signed URLs read nothing but what was signed;signed URLs read nothing once they have expired"
MOTO_LACKS+=";an interrupted upload recognises its parts by their checksums"
MOTO_LACKS+=";exactly one of 20 concurrent creations succeeds;exactly one of 20 concurrent replacements succeeds"
MOTO_LACKS+=";a server that passes the contract passes the check"
VERSITYGW_LACKS="a key may begin with another key"

work=$PWD/out/s3-servers
mkdir -p "$work"
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test-secret AWS_REGION=us-east-1

server=
stop() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}
trap stop EXIT

free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

# run NAME LACKS PORT COMMAND...: starts the server, waits until it answers, and runs the contract.
run() {
  local name=$1 lacks=$2 endpoint=http://127.0.0.1:$3 failed=0
  shift 3
  "$@" >"$work/$name.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    curl --silent --max-time 2 --output /dev/null "$endpoint" && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.2
  done
  if ! curl --silent --max-time 2 --output /dev/null "$endpoint"; then
    echo "$name did not start:" >&2
    tail -5 "$work/$name.log" >&2
    return 1
  fi
  echo "the contract of object stores against $name, except for: $lacks"
  ADAREEL_S3_ENDPOINT=$endpoint ADAREEL_S3_LACKS=$lacks \
    timeout 300 npx vitest run test/service/storage/s3-store.test.ts test/service/storage/s3-uploads.test.ts \
    test/service/storage/store-promises.test.ts \
    test/distribution/model-store/download-model.test.ts test/gpu/s3-job.test.ts test/cli/models.test.ts test/cli/deployed-keys.test.ts || failed=1
  # Jobs need conditions that hold when several write at once.
  case $lacks in
    *concurrent*) ;;
    *) AWS_ENDPOINT_URL_S3=$endpoint storm || failed=1 ;;
  esac
  return "$failed"
}

# storm: kills and stops eight workers that pull jobs from a bucket of the server at AWS_ENDPOINT_URL_S3.
storm() {
  local bucket=storm-$RANDOM$RANDOM
  echo "a storm over $AWS_ENDPOINT_URL_S3"
  node --input-type=module -e '
    import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
    const client = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL_S3, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: process.argv[1] }));
  ' "$bucket" || return 1
  timeout 600 npm run --silent storm -- --jobs 20 --faults 8 --silent 0 --workers 8 --store "s3://$bucket/jobs" --minutes 4
}

status=0
if ! command -v go >/dev/null; then
  echo "There is no go here, so the S3 store is not tested with versitygw."
elif GOBIN=$work timeout "$INSTALL_SECONDS_MAX" \
  go install "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW_VERSION" >"$work/install.log" 2>&1; then
  port=$(free_port)
  rm -rf "$work/versitygw-files" && mkdir "$work/versitygw-files"
  ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
    run "versitygw $VERSITYGW_VERSION" "$VERSITYGW_LACKS" "$port" \
    "$work/versitygw" --port "127.0.0.1:$port" posix "$work/versitygw-files" || status=1
  stop
else
  skipped "versitygw cannot be installed, so the S3 store is not tested with it: see $work/install.log." || status=1
fi

if ! command -v python3 >/dev/null; then
  echo "There is no python3 here, so the S3 store is not tested with moto."
elif python3 -m venv "$work/moto" >>"$work/install.log" 2>&1 \
  && timeout "$INSTALL_SECONDS_MAX" "$work/moto/bin/pip" install --quiet "moto[server]==$MOTO_VERSION" >>"$work/install.log" 2>&1; then
  port=$(free_port)
  run "moto $MOTO_VERSION" "$MOTO_LACKS" "$port" "$work/moto/bin/moto_server" -H 127.0.0.1 -p "$port" || status=1
  stop
else
  skipped "moto cannot be installed, so the S3 store is not tested with it: see $work/install.log." || status=1
fi
exit "$status"
