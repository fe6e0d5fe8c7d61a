import type { Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { parseDeployment } from "../../../infra/config.ts";
import { POLICIES, type Policy } from "../../../infra/preflight/policies.ts";
import { grantsOf } from "../../../infra/preflight/resource-grants.ts";
import { ACCOUNT, deploymentApp } from "../deployment.ts";

/** Characters that a managed policy may have, without white space. */
const POLICY_CHARACTERS = 6144;

const longest = { account: ACCOUNT, region: "ap-southeast-2", name: "x".repeat(20) };
const config = parseDeployment(longest, {});
const qualifier = "hnb659fds";
const deployer = POLICIES.deployer(config, qualifier);
const cloudFormation = POLICIES.cloudformation(config, qualifier);

function typesOf(options: Readonly<Record<string, unknown>>): string[] {
  const stacks = deploymentApp(options).service.node.children as Stack[];
  return stacks.flatMap((stack) =>
    Object.values<{ Type: string }>(Template.fromStack(stack).toJSON().Resources).map(({ Type }) => Type),
  );
}

function resourcesOf({ Statement }: Policy, action: string): readonly string[] {
  return Statement.filter(({ Action }) => Action.includes(action)).flatMap(({ Resource }) => Resource);
}

describe("the policy of CloudFormation", () => {
  it("CloudFormation's policy covers every type of resource in the templates, and no other", () => {
    const optional = { build: "codebuild", imageUri: undefined, waf: "true", monthlyBudgetUsd: "9" };
    const types = new Set([...typesOf({}), ...typesOf({ ...optional, backend: "ecs" })]);
    expect(
      grantsOf(config)
        .flatMap((grant) => grant.types)
        .sort(),
    ).toEqual([...types].sort());
  });

  it("CloudFormation's policy allows nothing with roles and objects of other deployments", () => {
    expect(resourcesOf(cloudFormation, "iam:PassRole")).toEqual([
      `arn:aws:iam::${ACCOUNT}:role/${longest.name}-*`,
      `arn:aws:iam::${ACCOUNT}:role/ecsInstanceRole-${longest.name}-*`,
      `arn:aws:iam::${ACCOUNT}:instance-profile/${longest.name}-*`,
    ]);
    expect(resourcesOf(cloudFormation, "s3:GetObject")).toEqual([
      `arn:aws:s3:::cdk-hnb659fds-assets-${ACCOUNT}-*/*`,
    ]);
    for (const { Action } of cloudFormation.Statement) expect(Action).not.toContain("*");
  });
});

describe("the policy of a deployer", () => {
  it("the deployer's policy takes on the CDK's four roles in both regions", () => {
    const roles = resourcesOf(deployer, "sts:AssumeRole");
    expect(roles).toHaveLength(8);
    for (const role of roles) expect(role).toMatch(/role\/cdk-hnb659fds-[a-z-]+-role-\d{12}-[a-z0-9-]+$/);
    const same = POLICIES.deployer({ ...config, region: "us-east-1" }, qualifier);
    expect(resourcesOf(same, "sts:AssumeRole")).toHaveLength(4);
  });

  it("the deployer's policy writes to the folders of keys and models alone", () => {
    const bucket = `arn:aws:s3:::${longest.name}-${ACCOUNT}-${longest.region}`;
    expect(resourcesOf(deployer, "s3:PutObject")).toEqual([
      `${bucket}/api-keys/*`,
      `${bucket}/models/*`,
      `${bucket}/model-cards/*`,
    ]);
  });
});

it.each([
  ["deployer", deployer],
  ["cloudformation", cloudFormation],
])("the policy of %s is well-formed and fits into a managed policy", (_name, policy) => {
  expect(JSON.stringify(policy).length).toBeLessThanOrEqual(POLICY_CHARACTERS);
  for (const { Action, Resource } of policy.Statement) {
    for (const action of Action) expect(action).toMatch(/^[a-z0-9-]+:[A-Za-z*]+$/);
    for (const resource of Resource)
      expect(resource).toMatch(/^(\*|arn:aws:[a-z0-9-]+:[a-z0-9*-]*:(\d{12})?:.+)$/);
  }
});
