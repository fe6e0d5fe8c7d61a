import { randomBytes, randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { apiKeys } from "../../lib/service/keys/index.ts";
import { openStore } from "../../lib/service/storage/index.ts";
import { s3ClientFromEnvironment } from "../../lib/service/storage/s3-store.ts";
import { system } from "../../lib/shared/system.ts";
import { type Fault, type S3Stub, type StubRequest, startS3Stub } from "../s3-stub/s3-stub.ts";
import { runKeys } from "./run-keys.ts";

let stub: S3Stub;
let fault: (request: StubRequest) => Fault | undefined;

beforeEach(async () => {
  fault = onlyConditionalWrites;
  stub = await startS3Stub({ buckets: ["bucket"], fault: (request) => fault(request) });
  for (const [name, value] of Object.entries(stub.env)) vi.stubEnv(name, value);
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stub.close();
});

/** Denies unconditional writes, like the policy of a deployment's bucket. */
function onlyConditionalWrites({ operation, key, headers }: StubRequest): Fault | undefined {
  const isConditional = headers["if-none-match"] !== undefined || headers["if-match"] !== undefined;
  if (operation !== "PutObject" || !key.startsWith("api-keys/") || isConditional) return undefined;
  return { status: 403, code: "AccessDenied" };
}

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => runKeys(args, tmpdir(), env);

async function openKeys(url: string) {
  const store = await openStore(url, { signUrl: () => "" });
  return apiKeys({ store, clock: Date, random: randomBytes, sleep: system.sleep });
}

it("a key is made, listed and revoked in a bucket that takes conditional writes only", async () => {
  const created = await run(["create", "--tenant", "acme", "--store", "s3://bucket"]);
  expect(created.code).toBe(0);
  const key = created.stdout.trim();
  expect(await (await openKeys("s3://bucket")).authenticate(key)).toMatchObject({ tenant: "acme" });
  const id = key.split("_")[1]!;
  expect((await run(["revoke", id], { STORE: "s3://bucket" })).code).toBe(0);
  expect(await (await openKeys("s3://bucket")).authenticate(key)).toBeNull();
  const listed = await run(["list"], { STORE: "s3://bucket" });
  expect(listed.stdout).toMatch(new RegExp(`^${id}\tacme\t\\S+\trevoked \\S+\t\n$`));
  expect([...stub.objects.keys()]).toEqual([`bucket/api-keys/${id}.json`]);
});

it("a fault of the bucket is told in one sentence", async () => {
  const missing = await run(["create", "--store", "s3://other"]);
  expect(missing.stderr).toBe("The bucket other does not exist; check its name, or create it.\n");
  const loggedOut = await run(["list"], {
    STORE: "s3://bucket",
    AWS_ACCESS_KEY_ID: "",
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
  });
  expect(loggedOut.stderr).toBe(
    "There are no AWS credentials for the bucket bucket; log in, or set AWS_PROFILE.\n",
  );
  fault = ({ operation }) =>
    operation === "PutObject"
      ? { status: 403, code: "AccessDenied" }
      : { status: 301, code: "PermanentRedirect" };
  const denied = await run(["create", "--store", "s3://bucket"]);
  expect(denied.stderr).toBe(
    "The bucket bucket refuses these credentials (AccessDenied); check them and what they allow.\n",
  );
  const elsewhere = await run(["list", "--store", "s3://bucket"]);
  expect(elsewhere.stderr).toBe(
    "The bucket bucket is in another region (PermanentRedirect); set AWS_REGION to that.\n",
  );
  for (const { code, stdout } of [missing, loggedOut, denied, elsewhere])
    expect([code, stdout]).toEqual([1, ""]);
});

const endpoint = process.env.ADAREEL_S3_ENDPOINT;
if (!endpoint) console.log("no ADAREEL_S3_ENDPOINT: keys are not made in an S3 server's bucket");

it.runIf(endpoint)("a key is made in the bucket of an S3 server", async () => {
  vi.unstubAllEnvs();
  vi.stubEnv("AWS_ENDPOINT_URL_S3", endpoint);
  const bucket = `adareel-test-${randomUUID()}`;
  const client = await s3ClientFromEnvironment();
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const { stdout } = await run(["create", "--store", `s3://${bucket}`]);
  const keys = await openKeys(`s3://${bucket}`);
  expect(await keys.authenticate(stdout.trim())).toMatchObject({ tenant: "default" });
});
