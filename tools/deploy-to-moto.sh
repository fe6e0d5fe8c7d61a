#!/usr/bin/env bash
# Deploys all stacks into moto, an AWS emulator from PyPI, with the commands of docs/deploy.md, and checks the
# resources. Also checks the templates with cfn-lint. moto creates resources but connects few of them. test/infra checks the
# connections in the templates, and docs/deploy.md lists what neither can show.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/skipped.sh

MOTO_VERSION=5.2.5
CFN_LINT_VERSION=1.58.0

work=$PWD/out/deploy-to-moto
mkdir -p "$work"
command -v python3 >/dev/null || {
  echo "There is no python3 here, so nothing is deployed into an emulator and no template is checked."
  exit 0
}
if ! { python3 -m venv "$work/venv" >"$work/install.log" 2>&1 \
  && timeout "$INSTALL_SECONDS_MAX" "$work/venv/bin/pip" install --quiet "moto[server]==$MOTO_VERSION" "cfn-lint==$CFN_LINT_VERSION" \
    >>"$work/install.log" 2>&1; }; then
  skipped "moto cannot be installed, so nothing is deployed into an emulator and no template is checked: see $work/install.log."
  exit
fi

account=123456789012
region=eu-central-1
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
# localhost instead of 127.0.0.1, because moto looks for a bucket in the first part of a host name.
export AWS_ENDPOINT_URL=http://localhost:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test-secret
export AWS_REGION=$region AWS_DEFAULT_REGION=$region AWS_EC2_METADATA_DISABLED=true
export AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=true CDK_DISABLE_CLI_TELEMETRY=true

"$work/venv/bin/moto_server" -H localhost -p "$port" >"$work/moto.log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  curl --silent --max-time 2 --output /dev/null "$AWS_ENDPOINT_URL" && break
  kill -0 "$server" || { tail -5 "$work/moto.log" >&2; exit 1; }
  sleep 0.2
done

# moto lacks newer GPU types and termination protection, and the script must run without Docker.
settings=(-c terminationProtection=false -c instanceTypes=ml.g4dn.xlarge -c "imageUri=$account.dkr.ecr.$region.amazonaws.com/adareel:1")
cdk() { npx cdk "$@" --ci --progress events </dev/null >>"$work/cdk.log" 2>&1 || { tail -30 "$work/cdk.log" >&2; return 1; }; }
: >"$work/cdk.log"

cdk bootstrap "aws://$account/$region" "aws://$account/us-east-1"
cdk deploy "${settings[@]}" --method direct --require-approval never adareel/data
npm run --silent models -- push models/demo --store "s3://adareel-$account-$region"
npm run --silent preflight -- "${settings[@]}"
# The edge stack needs a change set, without which moto refuses outputs of resources that it does not support. The
# others need --method direct, since moto creates no exports from a change set.
cdk deploy "${settings[@]}" --method direct --require-approval never adareel/gpu
cdk deploy "${settings[@]}" --exclusively --require-approval never adareel/edge
npm run --silent keys -- create --store "s3://adareel-$account-$region" >"$work/key"
grep -q '^adr_' "$work/key"

# The other backend, as another deployment. moto makes its queue, cluster, task, service, network and roles, and passes over
# the capacity provider and the scaling without a word.
pulling=(-c name=pulling -c backend=ecs -c instanceTypes=g4dn.xlarge -c terminationProtection=false
  -c "imageUri=$account.dkr.ecr.$region.amazonaws.com/adareel:1")
cdk deploy "${pulling[@]}" --method direct --require-approval never pulling/data pulling/gpu

# Of instance pools and newer GPU types moto knows nothing. The templates that have them are held by cfn-lint alone, as is
# what only some settings add.
synth() { cdk synth --quiet --output "$work/$1" -c "account=$account" -c "region=$region" "${@:2}"; }
synth default -c build=codebuild
synth everything -c build=codebuild -c instanceTypes=ml.g6e.2xlarge,ml.g6e.4xlarge,ml.p5.4xlarge -c instancesMax=4 \
  -c undeleteDays=14 -c waf=true -c domainName=films.example.com -c provenanceSecret=films/signing -c monthlyBudgetUsd=200 \
  -c "certificateArn=arn:aws:acm:us-east-1:$account:certificate/0123abcd" -c alarmEmail=ops@example.com
synth ecs -c backend=ecs -c build=codebuild -c instancesMax=4 -c provenanceSecret=films/signing
synth spot -c backend=ecs -c build=codebuild -c spot=true -c region=us-west-1
synth network -c backend=ecs -c build=codebuild -c vpcId=vpc-0123456789abcdef0 -c subnetIds=subnet-0123456789abcdef0,subnet-0a1b2c3d
echo "cfn-lint over the templates:"
"$work/venv/bin/cfn-lint" --ignore-checks W3005 W3045 -- out/cdk.out/assembly-adareel/*.template.json \
  "$work"/{default,everything,ecs,spot,network}/assembly-adareel/*.template.json

"$work/venv/bin/python" - "$region" <<'PY'
import sys, boto3
region = sys.argv[1]
made = {}
for where in (region, "us-east-1"):
    stacks = boto3.client("cloudformation", region_name=where).describe_stacks()["Stacks"]
    made |= {stack["StackName"]: stack["StackStatus"] for stack in stacks if stack["StackName"].startswith(("adareel-", "pulling-"))}
names = ["adareel-data", "adareel-gpu", f"adareel-{region}-edge", "pulling-data", "pulling-gpu"]
expected = {name: "CREATE_COMPLETE" for name in names}
assert made == expected, made
endpoints = boto3.client("sagemaker", region_name=region).list_endpoints()["Endpoints"]
assert [endpoint["EndpointStatus"] for endpoint in endpoints] == ["InService"], endpoints
functions = boto3.client("lambda", region_name=region).list_functions()["Functions"]
assert len(functions) >= 4, functions
cards = boto3.client("s3", region_name=region).list_objects_v2(
    Bucket=f"adareel-123456789012-{region}", Prefix="model-cards/")["Contents"]
assert [card["Key"] for card in cards] == ["model-cards/demo.json"], cards
ecs = boto3.client("ecs", region_name=region)
[service] = ecs.list_services(cluster="pulling-workers")["serviceArns"]
[service] = ecs.describe_services(cluster="pulling-workers", services=[service])["services"]
task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
[worker] = task["containerDefinitions"]
assert worker["command"] == ["pull"], worker
[runs] = [each["value"] for each in worker["environment"] if each["name"] == "RUNS_QUEUE_URL"]
boto3.client("sqs", region_name=region).get_queue_attributes(QueueUrl=runs, AttributeNames=["QueueArn"])
print(f"five stacks, an endpoint, a service of workers and {len(functions)} functions were created")
PY
