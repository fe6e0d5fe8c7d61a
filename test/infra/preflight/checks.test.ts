import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { preflight } from "../../../infra/preflight/checks.ts";
import { notMade } from "../../../infra/preflight/finding.ts";
import { type Found, reportOf } from "../../../infra/preflight/report.ts";
import { RUNNER } from "../../../lib/shared/run/index.ts";
import { type S3Stub, startS3Stub } from "../../s3-stub/s3-stub.ts";
import { type StubQuestion, type StubReply, startAwsStub } from "./aws-stub.ts";

const entry = fileURLToPath(new URL("../../../infra/preflight/main.ts", import.meta.url));
const ACCOUNT = "123456789012";
const NO_FILES = { AWS_CONFIG_FILE: "/nonexistent", AWS_SHARED_CREDENTIALS_FILE: "/nonexistent" };
const LOGGED_OUT = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
const BUCKET = `adareel-${ACCOUNT}-eu-central-1`;

let aws: Awaited<ReturnType<typeof startAwsStub>>;
let s3: S3Stub;
let s3Fault: { status: number; code: string } | undefined;
/** Replies that differ from those of an account that passes all checks. */
let differing: (question: StubQuestion) => StubReply | undefined;

beforeEach(async () => {
  differing = () => undefined;
  s3Fault = undefined;
  aws = await startAwsStub((question) => {
    const answer = differing(question);
    return answer === undefined ? wellAnswer(question) : answer;
  });
  s3 = await startS3Stub({ buckets: [BUCKET], fault: () => s3Fault });
  const stored = { etag: '"1"', contentType: "", metadata: {} };
  const limits = { sizes: [[64, 64]], frames: [16], fps: [8], steps: 30, guidance_scale: 4 };
  const card = JSON.stringify({ name: "demo", limits, fingerprint: "1", bytes: 8 });
  s3.objects.set(`${BUCKET}/models/demo/a`, { ...stored, body: Buffer.from("12345") });
  s3.objects.set(`${BUCKET}/models/demo/b`, { ...stored, body: Buffer.from("678") });
  s3.objects.set(`${BUCKET}/model-cards/demo.json`, { ...stored, body: Buffer.from(card) });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws.close();
  await s3.close();
});

function wellAnswer({ operation, input }: StubQuestion): StubReply {
  switch (operation) {
    case "GetCallerIdentity":
      return { Account: ACCOUNT, Arn: `arn:aws:iam::${ACCOUNT}:user/me`, UserId: "me" };
    case "GetParameter":
      return { Parameter: { Name: input.Name, Value: "30" } };
    case "ListServiceQuotas":
      return input.NextToken
        ? { Quotas: [quota("ml.g6e.2xlarge", 2)] }
        : { Quotas: [quota("ml.g4dn.xlarge", 1)], NextToken: "more" };
    case "ListQueues":
      return {
        QueueUrls: [`https://sqs.eu-central-1.amazonaws.com/${ACCOUNT}/adareel-data-WorkQueue12345678-a`],
      };
    case "DescribeSecret":
      return { Name: input.SecretId };
    default:
      return { Quotas: [quota("ml.g6e.4xlarge", 1), quota("ml.m5.xlarge", 4), BUILDS] };
  }
}

/** Quota of builds. */
const BUILDS = {
  QuotaName: "Concurrently running builds for Linux/Medium environment",
  QuotaCode: "L-builds",
  Value: 1,
};

function quota(type: string, Value: number) {
  return { QuotaName: `${type} for endpoint usage`, QuotaCode: `L-${type}`, Value };
}

async function check(context: Record<string, string> = {}, env: NodeJS.ProcessEnv = {}) {
  const surroundings = { ...s3.env, ...aws.env, ...NO_FILES, ...env };
  for (const [name, value] of Object.entries(surroundings)) vi.stubEnv(name, value);
  const settings = { region: "eu-central-1", build: "codebuild", ...context };
  const checks = await preflight(settings, process.env);
  const found = await Promise.all(
    checks.map(async ([subject, finding]): Promise<Found> => [subject, await finding]),
  );
  const { lines, isReady } = reportOf(found, { isVerbose: true });
  const lineOf = (subject: string) => lines.find((line) => line.slice(9).startsWith(`${subject}: `));
  return { lines, lineOf, isReady, folded: reportOf(found, { isVerbose: false }).lines };
}

it("a ready account gives one line for each check, in their order, and is ready", async () => {
  const { lines, folded, isReady } = await check();
  expect(lines).toEqual([
    `ok       Node.js: ${process.versions.node}.`,
    "ok       credentials: arn:aws:iam::123456789012:user/me.",
    "ok       CDK in eu-central-1: version 30.",
    "ok       CDK in us-east-1: version 30.",
    "ok       ml.g6e.2xlarge: The quota in eu-central-1 is 2.",
    "ok       ml.g6e.4xlarge: The quota in eu-central-1 is 1.",
    "ok       CodeBuild: The quota of builds in eu-central-1 is 1.",
    "ok       bucket: adareel-123456789012-eu-central-1.",
    "ok       master key: adareel/master-key.",
    "ok       model: demo, 0.00 GB.",
    "ok       image: CodeBuild builds it in the account.",
    expect.stringMatching(/^unknown {2}AMI: It cannot be checked whether eu-central-1 has al2023-ami-/),
    expect.stringMatching(
      /^unknown {2}pools: It .* if creating the endpoint fails, say -c instanceTypes=ml\.g6e\.2xlarge\.$/,
    ),
    "unknown  price: Quotes reckon with $2.80 an hour, the list price of us-east-1; say -c pricePerHour= with that of eu-central-1.",
    "Ready to deploy.",
  ]);
  expect(folded).toEqual(lines);
  expect(isReady).toBe(true);
  const regions = aws.questions.filter(({ operation }) => operation === "GetParameter");
  expect(regions.map(({ region }) => region).sort()).toEqual(["eu-central-1", "us-east-1"]);
});

describe("credentials", () => {
  it("missing credentials leave the checks of AWS unknown, in one line and with one remedy", async () => {
    const { lineOf, folded, isReady } = await check({}, LOGGED_OUT);
    expect(lineOf("credentials")).toBe(
      "wrong    credentials: There are no credentials: log in with aws configure or aws sso login, or set AWS_PROFILE.",
    );
    expect(lineOf("ml.g6e.2xlarge")).toBe(
      "unknown  ml.g6e.2xlarge: It is not checked without valid credentials.",
    );
    expect(lineOf("image")).toMatch(/^ok/);
    expect(folded.filter((line) => line.startsWith("unknown"))).toEqual([
      expect.stringMatching(/^unknown {2}AMI: /),
      expect.stringMatching(/^unknown {2}pools: /),
      expect.stringMatching(/^unknown {2}price: /),
      "unknown  8 checks (CDK in eu-central-1, CDK in us-east-1, ml.g6e.2xlarge, ml.g6e.4xlarge, CodeBuild, bucket, master key, model) need AWS credentials.",
    ]);
    expect(folded.at(-1)).toBe(
      "Not ready, because of credentials. Next: log in with aws configure or aws sso login, or set AWS_PROFILE.",
    );
    expect(isReady).toBe(false);
    expect(aws.questions).toEqual([]);
  });

  it("credentials of another account are not used", async () => {
    const { lineOf } = await check({ account: "210987654321" });
    expect(lineOf("credentials")).toBe(
      "wrong    credentials: They belong to account 123456789012, not 210987654321: choose others with AWS_PROFILE, or say -c account=123456789012.",
    );
    expect(aws.questions).toHaveLength(1);
  });

  it("credentials that AWS refuses are wrong, and without an answer they are unknown", async () => {
    differing = () => ({ error: "ExpiredToken", status: 403 });
    const refused = await check();
    expect(refused.lineOf("credentials")).toBe(
      "wrong    credentials: AWS refuses them (ExpiredToken): log in again, or set another AWS_PROFILE.",
    );
    differing = () => null;
    const silent = await check();
    expect(silent.lineOf("credentials")).toMatch(
      /^unknown {2}credentials: AWS does not answer \(.*\): check/,
    );
    expect(silent.folded.at(-1)).toBe(
      "Ready to deploy as far as could be checked: 9 of 14 checks could not be made.",
    );
  });
});

it("a missing prerequisite is reported with what to do about it", async () => {
  differing = ({ operation, region, input }) => {
    if (operation === "ListServiceQuotas" || operation === "ListAWSDefaultServiceQuotas")
      return { Quotas: [quota("ml.g6e.2xlarge", 0), quota("ml.g5.2xlarge", 2), quota("ml.g5.xlarge", 1)] };
    if (operation !== "GetParameter") return undefined;
    return region === "us-east-1"
      ? { error: "ParameterNotFound" }
      : { Parameter: { Name: input.Name, Value: "5" } };
  };
  s3.objects.delete(`${BUCKET}/models/demo/b`);
  const instanceTypes = "ml.g6e.2xlarge,ml.g5.2xlarge,ml.g5.xlarge,ml.g6.xlarge";
  const { lineOf, folded } = await check({ instanceTypes, instancesMax: "2" });
  const bootstrap = `run npx cdk bootstrap aws://${ACCOUNT}/eu-central-1 aws://${ACCOUNT}/us-east-1`;
  const page = "https://eu-central-1.console.aws.amazon.com/servicequotas/home/services/sagemaker/quotas";
  expect(lineOf("CDK in eu-central-1")).toBe(
    `to do    CDK in eu-central-1: The bootstrap version is 5, and at least 6 is needed: ${bootstrap}`,
  );
  expect(lineOf("CDK in us-east-1")).toBe(
    `to do    CDK in us-east-1: The region is not bootstrapped: ${bootstrap}`,
  );
  expect(lineOf("ml.g6e.2xlarge")).toBe(
    `wrong    ml.g6e.2xlarge: The quota in eu-central-1 is 0: use others meanwhile with -c instanceTypes=ml.g5.2xlarge,ml.g5.xlarge, and request 2 at ${page}/L-ml.g6e.2xlarge`,
  );
  expect(lineOf("ml.g5.2xlarge")).toBe("ok       ml.g5.2xlarge: The quota in eu-central-1 is 2.");
  expect(lineOf("ml.g5.xlarge")).toBe(
    `wrong    ml.g5.xlarge: The quota in eu-central-1 is 1, and instancesMax is 2: say -c instancesMax=1, or request more at ${page}/L-ml.g5.xlarge`,
  );
  expect(lineOf("ml.g6.xlarge")).toBe(
    'unknown  ml.g6.xlarge: Service Quotas has no "ml.g6.xlarge for endpoint usage" in eu-central-1: the type may not exist there; if so, name others with -c instanceTypes=.',
  );
  expect(lineOf("model")).toBe(
    `wrong    model: The bucket has 5 bytes of the model instead of 8: run npm run models -- push models/demo --store s3://${BUCKET}`,
  );
  expect(folded.at(-1)).toBe(
    `Not ready, because of CDK in eu-central-1, CDK in us-east-1, ml.g6e.2xlarge, ml.g5.xlarge, model. Next: ${bootstrap}`,
  );
});

it("a new account without a GPU quota is told to try it without a GPU", async () => {
  differing = ({ operation }) =>
    operation.endsWith("Quotas") ? { Quotas: [quota("ml.g6e.2xlarge", 0)] } : undefined;
  const { lineOf } = await check({ instanceTypes: "ml.g6e.2xlarge" });
  expect(lineOf("ml.g6e.2xlarge")).toMatch(
    /try the demo model without a GPU meanwhile with -c instanceTypes=ml\.m5\.xlarge, and request 1 at /,
  );
});

it("the bucket and the model of a first deployment are reported as still to come", async () => {
  const { lineOf, folded, isReady } = await check({ name: "films", model: "open-sora" });
  const bucket = `films-${ACCOUNT}-eu-central-1`;
  expect(lineOf("bucket")).toBe(
    `to do    bucket: The bucket ${bucket} does not exist yet: run npx cdk deploy films/data`,
  );
  expect(lineOf("model")).toBe(
    `to do    model: It needs the bucket: then run npm run models -- push FOLDER --as open-sora --store s3://${bucket}`,
  );
  expect(folded.at(-1)).toBe("Not ready, because of bucket, model. Next: run npx cdk deploy films/data");
  expect(isReady).toBe(false);
});

it("a missing model or a damaged card is reported as a model to push", async () => {
  const other = await check({ model: "other" });
  expect(other.lineOf("model")).toMatch(
    /^to do {4}model: The bucket has no model other: run npm run models -- push /,
  );
  const damaged = s3.objects.get(`${BUCKET}/models/demo/a`)!;
  s3.objects.set(`${BUCKET}/model-cards/demo.json`, damaged);
  expect((await check()).lineOf("model")).toMatch(/^wrong {4}model: The card of demo cannot be read: run /);
});

it("a check without permission is unknown and names the permission; all of them take one line", async () => {
  differing = ({ operation }) =>
    operation === "GetCallerIdentity" ? undefined : { error: "AccessDeniedException" };
  s3Fault = { status: 403, code: "AccessDenied" };
  const { lineOf, folded, isReady } = await check();
  expect(lineOf("CDK in us-east-1")).toBe(
    "unknown  CDK in us-east-1: The credentials lack a permission: allow ssm:GetParameter of /cdk-bootstrap/hnb659fds/version in us-east-1.",
  );
  expect(lineOf("ml.g6e.4xlarge")).toMatch(/allow servicequotas:ListServiceQuotas and /);
  expect(lineOf("bucket")).toBe(
    `unknown  bucket: The credentials lack a permission: allow s3:ListBucket and s3:GetObject of ${BUCKET}.`,
  );
  expect(folded.filter((line) => line.startsWith("unknown"))).toEqual([
    expect.stringMatching(/^unknown {2}AMI: /),
    expect.stringMatching(/^unknown {2}pools: /),
    expect.stringMatching(/^unknown {2}price: /),
    "unknown  8 checks (CDK in eu-central-1, CDK in us-east-1, ml.g6e.2xlarge, ml.g6e.4xlarge, CodeBuild, bucket, master key, model) lack permissions: " +
      "allow ssm:GetParameter of /cdk-bootstrap/hnb659fds/version in eu-central-1; " +
      "ssm:GetParameter of /cdk-bootstrap/hnb659fds/version in us-east-1; " +
      "servicequotas:ListServiceQuotas and servicequotas:ListAWSDefaultServiceQuotas; " +
      `s3:ListBucket and s3:GetObject of ${BUCKET}; secretsmanager:DescribeSecret of adareel/master-key. npm run preflight -- --permissions deployer prints them all.`,
  ]);
  expect(isReady).toBe(true);
});

describe("a region", () => {
  it("a region without a service that the deployment needs is refused", async () => {
    differing = ({ operation }) =>
      operation.endsWith("Quotas") ? { error: "NoSuchResourceException" } : undefined;
    const { lineOf, isReady } = await check();
    expect(lineOf("ml.g6e.2xlarge")).toBe(
      "wrong    ml.g6e.2xlarge: Service Quotas knows no sagemaker in eu-central-1: choose another region with -c region=",
    );
    expect(isReady).toBe(false);
  });

  it("one instance type needs no instance pools, and a price that was given is the region's", async () => {
    const { lineOf } = await check({ instanceTypes: "ml.g6e.2xlarge", pricePerHour: "3.4" });
    expect(lineOf("pools")).toBeUndefined();
    expect(lineOf("price")).toBe("ok       price: Quotes reckon with $3.40 an hour.");
    expect((await check({ region: "us-east-1" })).lineOf("price")).toMatch(
      /^ok {7}price: .* the list price, \$2\.80 /,
    );
  });
});

describe("the quota of builds", () => {
  it("an account that may not run builds is told to build with Docker", async () => {
    differing = ({ operation }) =>
      operation.endsWith("Quotas") ? { Quotas: [{ ...BUILDS, Value: 0 }] } : undefined;
    const { lineOf } = await check();
    expect(lineOf("CodeBuild")).toBe(
      "wrong    CodeBuild: The quota of builds in eu-central-1 is 0: build with Docker on this machine meanwhile, without -c build, and request 1 at https://eu-central-1.console.aws.amazon.com/servicequotas/home/services/codebuild/quotas/L-builds",
    );
    expect((await check({ build: "docker" })).lineOf("CodeBuild")).toBeUndefined();
  });
});

describe("an upgrade", () => {
  const store = (key: string) =>
    s3.objects.set(`${BUCKET}/${key}`, {
      etag: '"1"',
      contentType: "",
      metadata: {},
      body: Buffer.from("{}"),
    });

  it("an upgrade is told that a second endpoint may not fit beside the first while there is a job", async () => {
    store("jobs/default/00000000.json");
    store("unfinished/default/00000000");
    const { lineOf, isReady } = await check();
    expect(lineOf("ml.g6e.4xlarge")).toMatch(
      /^unknown {2}ml\.g6e\.4xlarge: The quota in eu-central-1 is 1: .* needs 2 while all instances of the old one /,
    );
    expect(lineOf("ml.g6e.2xlarge")).toBe("ok       ml.g6e.2xlarge: The quota in eu-central-1 is 2.");
    expect(isReady).toBe(true);
  });

  it("an upgrade without a job that waits or runs is told when its quota is free", async () => {
    store("jobs/default/00000000.json");
    expect((await check()).lineOf("ml.g6e.4xlarge")).toBe(
      "ok       ml.g6e.4xlarge: The quota in eu-central-1 is 1; no job waits or runs, so the old endpoint has no instance " +
        "5 minutes after the last one.",
    );
  });
});

describe("what outlived its stack", () => {
  it("a bucket and a secret that no stack owns are reported with what can be done", async () => {
    differing = ({ operation }) => (operation === "ListQueues" ? {} : undefined);
    const { lineOf, folded, isReady } = await check();
    const remedy =
      "choose another name with -c name=, take it over with npx cdk import adareel/data, or delete it if nobody needs what it holds";
    expect(lineOf("bucket")).toBe(
      `wrong    bucket: The bucket ${BUCKET} exists, and no stack owns it: ${remedy}`,
    );
    expect(lineOf("master key")).toBe(
      `wrong    master key: The secret adareel/master-key exists, and no stack owns it: ${remedy}`,
    );
    expect(lineOf("model")).toMatch(/^ok/);
    expect(folded.at(-1)).toBe(`Not ready, because of bucket, master key. Next: ${remedy}`);
    expect(isReady).toBe(false);
    const asked = aws.questions.filter(({ operation }) => operation === "ListQueues");
    expect(asked.map(({ input }) => input.QueueNamePrefix)).toEqual(Array(2).fill("adareel-data-Work"));
  });

  it("a secret in scheduled deletion is reported, since its name cannot be used", async () => {
    differing = ({ operation }) =>
      operation === "DescribeSecret" ? { Name: "adareel/master-key", DeletedDate: 1_795_000_000 } : undefined;
    expect((await check()).lineOf("master key")).toBe(
      "wrong    master key: The secret adareel/master-key is scheduled for deletion, and its name cannot be used until then: " +
        "run aws secretsmanager restore-secret --region eu-central-1 --secret-id adareel/master-key, or choose another name with -c name=",
    );
  });

  it("a secret that does not exist is made by the deployment", async () => {
    differing = ({ operation }) =>
      operation === "DescribeSecret" ? { error: "ResourceNotFoundException" } : undefined;
    expect((await check()).lineOf("master key")).toBe(
      "ok       master key: The deployment makes adareel/master-key.",
    );
  });
});

it("a single check that could not be made is told in the singular", () => {
  const found: Found[] = [["bucket", notMade({ kind: "silence", code: "ENOTFOUND" })]];
  expect(reportOf(found, { isVerbose: false }).lines).toEqual([
    "unknown  1 check (bucket) got no answer from AWS (ENOTFOUND): check the network and the region, and try again.",
    "Ready to deploy as far as could be checked: 1 of 1 checks could not be made.",
  ]);
});

it("the preflight command's exit status agrees with its last line", async () => {
  const run = async (args: readonly string[], env: NodeJS.ProcessEnv) => {
    const child = spawn(process.execPath, [RUNNER, entry, ...args], {
      env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const closed = once(child, "close");
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: (await closed)[0] as number, stdout, stderr };
  };
  const surroundings = { ...s3.env, ...aws.env, ...NO_FILES };
  const well = await run(["-c", "region=eu-central-1", "--context", "build=codebuild"], surroundings);
  expect([well.code, well.stderr]).toEqual([0, ""]);
  expect(well.stdout).toMatch(/^ok {7}Node\.js: .*\nok {7}credentials: (.*\n)+Ready to deploy\.\n$/);
  const loggedOut = await run(["-c", "build=codebuild"], { ...surroundings, ...LOGGED_OUT });
  expect([loggedOut.code, loggedOut.stderr]).toEqual([1, ""]);
  expect(loggedOut.stdout).toMatch(/\nNot ready, because of credentials\. Next: .*\n$/);
  const printed = await run(["-c", "region=eu-central-1", "--permissions", "deployer"], surroundings);
  expect([printed.code, printed.stderr]).toEqual([0, ""]);
  expect(JSON.parse(printed.stdout).Statement[0].Resource[0]).toContain(ACCOUNT);
  const mistaken = await run(["-c", "instancetypes=ml.g5.xlarge"], surroundings);
  expect(mistaken.stderr).toMatch(/^There is no setting instancetypes: did you mean instanceTypes\?\n$/);
  expect([mistaken.code, mistaken.stdout]).toEqual([2, ""]);
});
