import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Stack, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it, vi } from "vitest";
import { ACCOUNT, deploymentApp, EVERYTHING, stacksOf } from "./deployment.ts";
import { listingOf } from "./listing.ts";

/** Maximum time of a synthesis with cdk-nag, whose rules take long to load. */
const SYNTH_MS_MAX = 180_000;

describe("a deployment", () => {
  it("a deployment consists of three stacks, of which only the edge is always in us-east-1", () => {
    const place = ({ stackName, region, account }: Stack) => [stackName, region, account];
    expect(stacksOf({}).map(place)).toEqual([
      ["adareel-data", "eu-central-1", ACCOUNT],
      ["adareel-gpu", "eu-central-1", ACCOUNT],
      ["adareel-eu-central-1-edge", "us-east-1", ACCOUNT],
    ]);
  });

  it("a deployment makes the bucket first, and shares nothing but names between regions", () => {
    const [data, gpu, edge] = stacksOf({});
    expect(gpu!.dependencies).toEqual([data]);
    expect(edge!.dependencies).toEqual([data]);
    expect(listingOf(edge!)).not.toContain("Fn::ImportValue");
  });

  it("a deployment protects the data stack from termination, until that is switched off", () => {
    const isProtected = ({ terminationProtection }: Stack) => terminationProtection ?? false;
    expect(stacksOf({}).map(isProtected)).toEqual([true, false, false]);
    expect(stacksOf({ terminationProtection: "false" }).map(isProtected)).toEqual([false, false, false]);
  });

  it.each(["a", "a-", "x".repeat(20)])("a deployment may be called %s", (name) => {
    expect(stacksOf({ name }).map(({ stackName }) => stackName)).toEqual([
      `${name}-data`,
      `${name}-gpu`,
      `${name}-eu-central-1-edge`,
    ]);
  });
});

describe("the templates", () => {
  it.each([
    ["default", { imageUri: undefined, region: undefined }],
    ["everything", EVERYTHING],
    ["ecs", { backend: "ecs", instancesMax: "4" }],
  ])("the templates of %s equal their reviewed snapshot", async (name, options) => {
    const listing = stacksOf(options).map(listingOf).join("\n\n");
    await expect(`${listing}\n`).toMatchFileSnapshot(`snapshots/${name}.txt`);
  });

  it.each([
    ["default", { imageUri: undefined }],
    ["everything", EVERYTHING],
    ["ECS", { backend: "ecs", instancesMax: "4", provenanceSecret: "adareel/signer" }],
    ["ECS with Spot instances", { backend: "ecs", spot: "true" }],
    ["ECS in a network that exists", { backend: "ecs", vpcId: "vpc-0a1b2c3d", subnetIds: "subnet-0a1b2c3d" }],
    ["no GPU", { instanceTypes: "ml.m5.xlarge" }],
  ])(
    "the templates of %s break no rule of CloudFormation or AWS Solutions without a written answer",
    (_name, options) => {
      const { app } = deploymentApp(options);
      const checks = new AwsSolutionsChecks(app);
      const looked = vi.spyOn(checks, "validate");
      Validations.of(app).addPlugins(checks);
      app.synth();
      const { pluginReports } = JSON.parse(readFileSync(join(app.outdir, "validation-report.json"), "utf8"));
      expect(pluginReports.flatMap(broken)).toEqual([]);
      expect(looked).toHaveBeenCalled();
    },
    SYNTH_MS_MAX,
  );
});

interface Report {
  readonly violations: readonly {
    readonly ruleName: string;
    readonly description: string;
    readonly violatingConstructs: readonly { readonly constructPath: string }[];
  }[];
}

function broken({ violations }: Report): string[] {
  return violations.flatMap(({ ruleName, description, violatingConstructs }) =>
    violatingConstructs.map(({ constructPath }) => `${constructPath} ${ruleName} ${description}`),
  );
}
