import type { Stack } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import { DEPLOYMENTS, stacksOf, synthesized } from "./deployment.ts";

/** Types of resources, or beginnings of types, whose names belong to the whole account, or as buckets to everybody. */
const GLOBAL_TYPES = [
  "AWS::Budgets::",
  "AWS::CloudFront::",
  "AWS::CloudWatch::Dashboard",
  "AWS::IAM::Group",
  "AWS::IAM::InstanceProfile",
  "AWS::IAM::ManagedPolicy",
  "AWS::IAM::Role",
  "AWS::IAM::User",
  "AWS::Route53::",
  "AWS::S3::Bucket",
];

/** Names that a resource has inside another one, which therefore only have to differ there. */
const INNER_TYPES = ["AWS::IAM::Policy", "AWS::ApplicationAutoScaling::ScalingPolicy"];

/** Returns what a stack names itself, each with the scope in which that name has to be the only one. */
function namesIn(stack: Stack): string[] {
  const { Resources } = synthesized(stack).toJSON();
  const named = Object.values<{ Type: string; Properties?: object }>(Resources).flatMap(
    ({ Type, Properties = {} }) => {
      if (INNER_TYPES.includes(Type)) return [];
      const scope = GLOBAL_TYPES.some((type) => Type.startsWith(type)) ? "everywhere" : stack.region;
      return namesOf(Type, Properties).map((name) => `${scope}: ${Type} ${name}`);
    },
  );
  return [`${stack.region}: stack ${stack.stackName}`, ...named];
}

/** Returns the names that a template gives a resource; CloudFormation makes a unique one where there is none. */
function namesOf(type: string, properties: object): string[] {
  const own = type.split("::").at(-1)!;
  const settings = Object.entries(properties).flatMap(([key, value]) =>
    key === own || key === `${own}Config` ? Object.entries(value as object) : [[key, value] as const],
  );
  return settings.flatMap(([key, value]) =>
    (key === "Name" || key === `${own}Name`) && typeof value === "string" ? [value] : [],
  );
}

/** Names of a deployment begin with its own, or with what AWS demands in front of it. */
const OWN_NAME = / (\/aws\/sagemaker\/Endpoints\/|ecsInstanceRole-)?(adareel|films)[-/]/;

const regions = ["us-east-1", "us-east-2", "ap-southeast-2"];

describe.each(Object.entries(DEPLOYMENTS))("the deployment %s in several regions", (_name, options) => {
  const names = regions.map((region) => stacksOf({ ...options, region }).flatMap(namesIn));

  it("one name in several regions is several deployments, none of which takes anything from another", () => {
    const all = names.flat();
    expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([]);
  });

  it("a deployment names nothing twice, and begins every name with its own", () => {
    for (const own of names) {
      expect(new Set(own).size).toBe(own.length);
      expect(own.length).toBeGreaterThan(20);
      for (const line of own) expect(line).toMatch(OWN_NAME);
    }
  });
});

it("two deployments with names that begin alike name nothing alike", () => {
  const own = ["a", "a-b", "a-us-east-1"].flatMap((name) =>
    stacksOf({ name, region: "us-east-1" }).flatMap(namesIn),
  );
  expect(new Set(own).size).toBe(own.length);
});
