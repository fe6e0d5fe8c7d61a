import { randomUUID } from "node:crypto";
import { cp, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { s3ClientFromEnvironment } from "../../lib/service/storage/s3-store.ts";
import { type Fault, type S3Stub, type StubRequest, startS3Stub } from "../s3-stub/s3-stub.ts";
import { startCommand } from "./start-command.ts";

const demo = fileURLToPath(new URL("../../models/demo", import.meta.url));
const PART = 16 * 2 ** 20;
let folder: string;
let stub: S3Stub;
let fault: (request: StubRequest) => Fault | undefined | Promise<Fault | undefined>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-models-"));
  fault = () => undefined;
  stub = await startS3Stub({ buckets: ["bucket"], fault: (request) => fault(request) });
});
afterEach(async () => {
  await stub.close();
  await rm(folder, { recursive: true });
});

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const quiet = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true", AWS_MAX_ATTEMPTS: "1" };
  return startCommand("models", args, {
    folder,
    env: { ...stub.env, ...quiet, STORE: "s3://bucket", ...env },
  });
}
const run = (args: readonly string[], env?: NodeJS.ProcessEnv) => start(args, env).ended;

/** Copies the demo model, with an added file that is uploaded in three parts. */
async function copyModel(): Promise<string> {
  const copy = join(folder, "larger");
  await cp(demo, copy, { recursive: true });
  await writeFile(join(copy, "extra.safetensors"), "");
  await truncate(join(copy, "extra.safetensors"), 2 * PART + 1);
  return copy;
}

describe("push", () => {
  it("the command models push puts a model and its card into the bucket, once, and models list shows it", async () => {
    const pushed = await run(["push", demo, "--as", "tiny"]);
    expect(pushed.stderr).toMatch(/^checking the model\nreading 0\.0 MB of \d\d\.\d MB, 0 %\n/);
    expect(pushed.stderr).toMatch(
      /\nsending \d\d\.\d MB of \d\d\.\d MB, 100 %\nThe store has the model tiny; .*\.\n$/,
    );
    expect([pushed.code, pushed.stdout]).toEqual([0, ""]);
    expect(stub.objects.get("bucket/models/tiny/transformer/model.safetensors")?.body.length).toBe(15228144);
    for (const [key, { metadata }] of stub.objects)
      expect(metadata.sha256 ?? key).toMatch(/^[0-9a-f]{64}$|^bucket\/model-cards\/tiny\.json$/);

    const again = await run(["push", demo, "--as", "tiny"]);
    expect([again.code, stub.count("PutObject")]).toEqual([0, stub.objects.size + 1]);
    expect(again.stderr).toMatch(/The store has the model tiny; 0\.0 MB of \d\d\.\d MB had to be sent\.\n$/);

    const listed = await run(["list"]);
    expect(listed.stdout).toMatch(/^tiny\t\d{8}\t[0-9a-f]{64}\n$/);
  });

  it("the command models push refuses another model under a name that is taken, and says how to go on", async () => {
    await run(["push", demo]);
    const copy = await copyModel();
    await writeFile(join(copy, "vae", "more.json"), "{}");
    const { code, stderr } = await run(["push", copy, "--as", "demo"]);
    expect(code).toBe(2);
    expect(stderr.trimEnd().split("\n").at(-1)).toBe(
      `The store has another model under the name demo, and the weights of running instances must not \
change: push this one under another name, such as --as demo-2, and deploy that with -c model=demo-2.`,
    );
  });

  it("the command models push resumes after its process was killed", async () => {
    const copy = await copyModel();
    let isWhole = (): void => undefined;
    const sent = new Promise<void>((resolve) => {
      isWhole = resolve;
    });
    fault = async ({ operation, query }) => {
      if (operation !== "UploadPart" || query.get("partNumber") !== "2") return undefined;
      while (stub.uploads.values().next().value!.parts.size < 2)
        await new Promise((resolve) => setTimeout(resolve, 10));
      isWhole();
      return new Promise(() => undefined);
    };
    const { child, ended } = start(["push", copy]);
    await sent;
    child.kill("SIGKILL");
    await ended;
    fault = () => undefined;
    const before = stub.count("UploadPart");
    const { code, stderr } = await run(["push", copy]);
    expect([code, stub.count("UploadPart") - before]).toEqual([0, 1]);
    expect(stderr).toMatch(/The store has the model larger; 16\.\d MB of 53\.\d MB had to be sent\.\n$/);
  });

  it("the command models push is stopped by Ctrl-C in one sentence, and leaves no card", async () => {
    const { child, ended } = start(["push", demo]);
    fault = ({ operation }) => {
      // A second SIGINT would end the process at once.
      if (operation === "PutObject" && stub.count(operation) === 1) child.kill("SIGINT");
      return undefined;
    };
    const { code, stderr } = await ended;
    expect(stderr).toMatch(/\nStopped: what was sent is kept; run the same command again to continue\.\n$/);
    expect([code, stub.objects.has("bucket/model-cards/demo.json")]).toEqual([1, false]);
  });
});

describe("errors of the command models", () => {
  const cases: [what: string, args: string[], code: number, sentence: RegExp][] = [
    ["no command", [], 2, /^Say add, check, calibrate, convert, push or list, as in .* --help\.\n$/],
    ["a folder as the store", ["list", "--store", "./here"], 2, /^"\.\/here" is not a bucket: .*\.\n$/],
    [
      "a name that is none",
      ["push", demo, "--as", "A b"],
      2,
      /"A b" is not a valid name: .*; give another with --as NAME\.\n$/,
    ],
    ["a missing bucket", ["list", "--store", "s3://other"], 1, /^The bucket other does not exist; .*\.\n$/],
  ];
  it.each(cases)("the command models reports %s in one sentence", async (_, args, code, sentence) => {
    const ended = await run(args);
    expect(ended.stderr).toMatch(sentence);
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
  });

  it("the command models push reports a part without weights in one sentence", async () => {
    const copy = join(folder, "weightless");
    await cp(demo, copy, { recursive: true });
    await rm(join(copy, "transformer", "model.safetensors"));
    const { code, stderr } = await run(["push", copy]);
    expect(stderr).toMatch(/transformer: the folder has no weights: .*\n$/);
    expect([code, stub.requests.length]).toEqual([1, 0]);
  });

  it("the command models list reports insufficient permissions in one sentence", async () => {
    fault = () => ({ status: 403, code: "AccessDenied" });
    const { code, stderr } = await run(["list"]);
    expect(stderr).toBe(
      "The bucket bucket refuses these credentials (AccessDenied); check them and what they allow.\n",
    );
    expect(code).toBe(1);
  });
});

const endpoint = process.env.ADAREEL_S3_ENDPOINT;
if (!endpoint) console.log("no ADAREEL_S3_ENDPOINT: no model is pushed to an S3 server");

it.runIf(endpoint)("the command models push puts a model into the bucket of an S3 server", async () => {
  const env = { ...process.env, AWS_ENDPOINT_URL_S3: endpoint };
  const client = await s3ClientFromEnvironment(env);
  const bucket = `adareel-test-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const copy = await copyModel();
  const pushed = await startCommand("models", ["push", copy, "--store", `s3://${bucket}`], { folder, env })
    .ended;
  expect(pushed.stderr).toMatch(/The store has the model larger; 53\.\d MB of 53\.\d MB had to be sent\.\n$/);
  const again = await startCommand("models", ["push", copy, "--store", `s3://${bucket}`], { folder, env })
    .ended;
  expect(again.stderr).toMatch(/The store has the model larger; 0\.0 MB of 53\.\d MB had to be sent\.\n$/);
  client.destroy();
});
