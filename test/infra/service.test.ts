import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Stack, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it, vi } from "vitest";
import { ACCOUNT, deploymentApp } from "./deployment.ts";
import { listingOf } from "./listing.ts";

/** Maximum time of a synthesis with cdk-nag, whose rules take long to load. */
const SYNTH_MS_MAX = 180_000;

const everything = {
  name: "films",
  region: "ap-southeast-2",
  model: "open-sora",
  instanceTypes: "ml.g6e.2xlarge,ml.g6e.4xlarge,ml.p5.4xlarge",
  instancesMax: "4",
  idleMinutes: "15",
  imageUri: undefined,
  build: "codebuild",
  retentionDays: "7",
  undeleteDays: "14",
  unfinishedMax: "500",
  waf: "true",
  domainName: "films.example.com",
  certificateArn: `arn:aws:acm:us-east-1:${ACCOUNT}:certificate/0123abcd`,
  alarmEmail: "ops@example.com",
  monthlyBudgetUsd: "200",
  terminationProtection: "false",
};

function stacksOf(options: Readonly<Record<string, unknown>>): Stack[] {
  return deploymentApp(options).service.node.children.filter(Stack.isStack);
}

describe("a deployment", () => {
  it("a deployment consists of three stacks, of which only the edge is always in us-east-1", () => {
    const place = ({ stackName, region, account }: Stack) => [stackName, region, account];
    expect(stacksOf({}).map(place)).toEqual([
      ["adareel-data", "eu-central-1", ACCOUNT],
      ["adareel-gpu", "eu-central-1", ACCOUNT],
      ["adareel-edge", "us-east-1", ACCOUNT],
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
      `${name}-edge`,
    ]);
  });
});

describe("the templates", () => {
  it.each([
    ["default", { imageUri: undefined, region: undefined }],
    ["everything", everything],
  ])("the templates of %s equal their reviewed snapshot", async (name, options) => {
    const listing = stacksOf(options).map(listingOf).join("\n\n");
    await expect(`${listing}\n`).toMatchFileSnapshot(`snapshots/${name}.txt`);
  });

  it.each([
    ["default", { imageUri: undefined }],
    ["everything", everything],
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
