import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../service/storage/temporary-folder.ts";
import { ACCOUNT, IMAGE } from "./deployment.ts";

/** Maximum time of a synthesis, which bundles every function. */
const SYNTH_MS_MAX = 180_000;

/** Runs Node without AWS credentials. */
function node(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const env = {
    PATH: process.env.PATH,
    HOME: temporaryFolder(),
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    CDK_DISABLE_CLI_TELEMETRY: "true",
    ...variables,
  };
  return spawnSync(process.execPath, args, { env, encoding: "utf8" });
}

it(
  "the command line synthesises the templates without credentials and without Docker",
  () => {
    const output = temporaryFolder();
    const options = ["-c", `account=${ACCOUNT}`, "-c", `imageUri=${IMAGE}`];
    const cdk = ["node_modules/aws-cdk/bin/cdk", "synth", "--quiet", "--no-notices", "--output", output];
    const { status, stderr } = node([...cdk, ...options]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const templates = readdirSync(join(output, "assembly-adareel")).filter((name) => /template/.test(name));
    expect(templates).toHaveLength(3);
  },
  SYNTH_MS_MAX,
);

it("the app reports an impossible configuration in one sentence, as the caller's mistake", () => {
  const context = JSON.stringify({ account: ACCOUNT, instances: "2" });
  const variables = { CDK_CONTEXT_JSON: context, CDK_OUTDIR: temporaryFolder() };
  const { status, stderr } = node(["--import", import.meta.resolve("tsx"), "infra/app.ts"], variables);
  expect(stderr).toMatch(/^There is no setting instances: choose from name, .*\.\n$/);
  expect(status).toBe(2);
});
