import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INSTANCE_TYPES } from "../../infra/backends/instance-types.ts";
import { BACKEND_NAMES } from "../../infra/backends/names.ts";
import { INFERENCE_AMIS } from "../../infra/backends/sagemaker/inference-amis.ts";
import { DeploymentError, parseDeployment } from "../../infra/config.ts";

const account = "123456789012";
const certificateArn = `arn:aws:acm:us-east-1:${account}:certificate/0123abcd-4567`;

function parse(options: Record<string, unknown>, env: Record<string, string> = {}) {
  return parseDeployment({ account, ...options }, env);
}

/** Returns the message with which the options are refused. */
function refusal(options: Record<string, unknown>, env: Record<string, string> = {}): string {
  try {
    parse(options, env);
  } catch (error) {
    expect(error).toBeInstanceOf(DeploymentError);
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(options)} was taken`);
}

/** Returns the names of all settings, as the refusal of an unknown one lists them. */
function settingNames(): string[] {
  return /choose from (.*)\.$/.exec(refusal({ none: 1 }))![1]!.split(", ");
}

describe("a deployment", () => {
  it("a deployment needs only an account", () => {
    expect(parse({})).toEqual({
      name: "adareel",
      account,
      region: "us-east-1",
      model: "demo",
      backend: "sagemaker",
      instanceTypes: ["ml.g6e.2xlarge", "ml.g6e.4xlarge"],
      instancesMax: 1,
      scaling: "backlog",
      idleMinutes: 5,
      image: { from: "docker" },
      spot: false,
      network: null,
      inferenceAmi: "al2023-ami-sagemaker-inference-gpu-4-1",
      retentionDays: 30,
      undeleteDays: 0,
      unfinishedMax: 100,
      sendersMax: 3,
      pricePerHour: null,
      provenance: "signed",
      provenanceSecret: null,
      waf: false,
      domain: null,
      alarmEmail: null,
      monthlyBudgetUsd: null,
      terminationProtection: true,
    });
  });

  it("a deployment is in the account and region of the credentials, unless others are given", () => {
    const env = { CDK_DEFAULT_ACCOUNT: "999999999999", CDK_DEFAULT_REGION: "eu-west-1" };
    expect(parseDeployment({}, env)).toMatchObject({ account: "999999999999", region: "eu-west-1" });
    expect(parse({ region: "ap-south-1" }, env)).toMatchObject({ account, region: "ap-south-1" });
    expect(parse({}, { CDK_DEFAULT_REGION: "" }).region).toBe("us-east-1");
  });

  it("a deployment accepts numbers, switches and lists as text, as the command line gives them", () => {
    expect(
      parse({
        instanceTypes: "ml.g5.xlarge, ml.g6.xlarge",
        instancesMax: "4",
        idleMinutes: "60",
        waf: "true",
        terminationProtection: "false",
        domainName: "videos.example.com",
        certificateArn,
        alarmEmail: "ops@example.com",
        build: "codebuild",
      }),
    ).toMatchObject({
      instanceTypes: ["ml.g5.xlarge", "ml.g6.xlarge"],
      instancesMax: 4,
      idleMinutes: 60,
      waf: true,
      terminationProtection: false,
      domain: { name: "videos.example.com", certificateArn },
      alarmEmail: "ops@example.com",
      image: { from: "codebuild" },
    });
  });

  it("a deployment accepts the names of top-level domains in other scripts", () => {
    const name = "xn--80aesfpebagmfblc0a.xn--p1ai";
    expect(parse({ domainName: name, certificateArn }).domain).toEqual({ name, certificateArn });
  });

  it("a deployment ignores what the CDK puts into the context", () => {
    const foreign = { "@aws-cdk/core:x": true, "aws:cdk:bundling-stacks": ["**"], "hosted-zone:a": 1 };
    expect(parse(foreign)).toEqual(parse({}));
  });

  it("a deployment accepts every instance type, but not types with and without a GPU together", () => {
    for (const backend of BACKEND_NAMES)
      for (const type of Object.keys(INSTANCE_TYPES[backend]))
        expect(parse({ backend, instanceTypes: type }).instanceTypes).toEqual([type]);
    expect(refusal({ instanceTypes: "ml.m5.xlarge,ml.g5.xlarge" })).toBe(
      "instanceTypes must all have a GPU, or all have none.",
    );
  });
});

describe("a deployment on ECS", () => {
  it("a deployment on ECS has types of EC2 by default, on demand", () => {
    expect(parse({ backend: "ecs" })).toMatchObject({
      instanceTypes: ["g6e.2xlarge", "g6e.4xlarge"],
      spot: false,
    });
    expect(parse({ backend: "ecs", spot: "true" }).spot).toBe(true);
  });

  it("a deployment on ECS takes a VPC with its subnets, with ids of either length", () => {
    const network = { vpcId: "vpc-0a1b2c3d", subnetIds: ["subnet-0a1b2c3d", "subnet-0123456789abcdef0"] };
    const { vpcId } = network;
    expect(parse({ backend: "ecs", vpcId, subnetIds: network.subnetIds.join(", ") }).network).toEqual(
      network,
    );
  });
});

describe("a mistake in the settings", () => {
  const types = Object.keys(INSTANCE_TYPES.sagemaker).join(", ");
  const ec2Types = Object.keys(INSTANCE_TYPES.ecs).join(", ");
  const [vpcId, subnetIds] = ["vpc-0123456789abcdef0", "subnet-0123456789abcdef0"];
  const budget = "-c monthlyBudgetUsd must be a whole number from 1 to 999999.";
  const email = "-c alarmEmail must be an e-mail address.";

  it.each([
    [
      { name: "1video" },
      "-c name must have up to 20 lower-case letters, digits and dashes, and begin with a letter.",
    ],
    [{ name: "xn--a" }, "-c name must not begin with xn--, sthree- or amzn-s3-demo-, as no bucket may."],
    [
      { name: "amzn-s3-demo-a" },
      "-c name must not begin with xn--, sthree- or amzn-s3-demo-, as no bucket may.",
    ],
    [
      { name: "ecs-films", backend: "ecs" },
      "-c name must not begin with aws, ecs or fargate with backend=ecs, as no capacity provider may.",
    ],
    [{ account: "12" }, "-c account must be the twelve digits of an AWS account."],
    [{ region: "EU (Frankfurt)" }, "-c region must be a region such as eu-central-1."],
    [{ region: "mars" }, "There is no region mars: choose a region of AWS such as eu-central-1."],
    [{ region: "eu-centrl-1" }, "There is no region eu-centrl-1: did you mean eu-central-1?"],
    [{ region: "euu-central-1" }, "There is no region euu-central-1: did you mean eu-central-1?"],
    [{ scaling: "fast" }, "-c scaling must be backlog or steady."],
    [
      { backend: "ecs", scaling: "steady" },
      "Leave out scaling, or say -c backend=sagemaker: ECS scales by the jobs that wait.",
    ],
    [{ instanceTypes: "ml.g5.xlarge,ml.g5.xlarge" }, "-c instanceTypes must not name a type twice."],
    [
      { domainName: "videos.example.xn--", certificateArn },
      "-c domainName must be a domain name such as videos.example.com.",
    ],
    [{ model: "../x" }, "-c model must be the name by which a model was pushed, such as demo or latte-1."],
    [{ backend: "ec2" }, "-c backend must be sagemaker or ecs."],
    [
      { instanceTypes: "ml.p6.48xlarge" },
      `There is no instance type ml.p6.48xlarge with backend=sagemaker: choose from ${types}.`,
    ],
    [
      { instanceTypes: "g6.xlarge,ml.g6.2xlarge" },
      "SageMaker names instance types with ml.: say -c instanceTypes=ml.g6.xlarge,ml.g6.2xlarge.",
    ],
    [{ instanceTypes: "" }, "-c instanceTypes must name a type."],
    [
      { backend: "ecs", instanceTypes: "ml.g6.xlarge" },
      "ECS names instance types without ml.: say -c instanceTypes=g6.xlarge.",
    ],
    [
      { backend: "ecs", instanceTypes: "ml.trn2.3xlarge" },
      `There is no instance type ml.trn2.3xlarge with backend=ecs: choose from ${ec2Types}.`,
    ],
    [
      { vpcId, subnetIds },
      "Leave out vpcId, or say -c backend=ecs: SageMaker's endpoints need no network of yours.",
    ],
    [
      { subnetIds },
      "Leave out subnetIds, or say -c backend=ecs: SageMaker's endpoints need no network of yours.",
    ],
    [{ backend: "ecs", vpcId }, "vpcId and subnetIds belong together: give both or neither."],
    [{ backend: "ecs", subnetIds }, "vpcId and subnetIds belong together: give both or neither."],
    [
      { backend: "ecs", vpcId: "my-network", subnetIds },
      "-c vpcId must be a VPC such as vpc-0123456789abcdef0.",
    ],
    ...["", "subnet-1", `${subnetIds},`, vpcId].map((wrong): [Record<string, unknown>, string] => [
      { backend: "ecs", vpcId, subnetIds: wrong },
      "-c subnetIds must be subnets such as subnet-0123456789abcdef0, with commas between them.",
    ]),
    [
      { backend: "ecs", vpcId, subnetIds: `${subnetIds},${subnetIds}` },
      "-c subnetIds must not name a subnet twice.",
    ],
    [
      { spot: "true" },
      "Leave out spot, or say -c backend=ecs: SageMaker's endpoints have no Spot instances.",
    ],
    [{ backend: "ecs", spot: "yes" }, "-c spot must be true or false."],
    [
      { backend: "ecs", inferenceAmi: INFERENCE_AMIS[0] },
      "Leave out inferenceAmi, or say -c backend=sagemaker: ECS chooses the AMI itself.",
    ],
    [{ instanceTypes: [] }, "-c instanceTypes must name a type."],
    [{ instanceTypes: "ml.g5.xlarge," }, "-c instanceTypes must name a type."],
    [{ instanceTypes: Array(6).fill("ml.g5.xlarge") }, "-c instanceTypes may name at most five types."],
    [{ instancesMax: "0" }, "-c instancesMax must be a whole number from 1 to 100."],
    [{ idleMinutes: "1" }, "-c idleMinutes must be a whole number from 3 to 60."],
    [{ idleMinutes: "2.5" }, "-c idleMinutes must be a whole number from 3 to 60."],
    [{ retentionDays: "never" }, "-c retentionDays must be a whole number from 1 to 3650."],
    [{ undeleteDays: "366" }, "-c undeleteDays must be a whole number from 0 to 365."],
    [{ unfinishedMax: -1 }, "-c unfinishedMax must be a whole number from 1 to 1000."],
    [{ pricePerHour: "0" }, "-c pricePerHour must be a number of US dollars from 0.001 to 1000."],
    [{ pricePerHour: "20eur" }, "-c pricePerHour must be a number of US dollars from 0.001 to 1000."],
    [{ provenance: "yes" }, "-c provenance must be signed, required, mark or off."],
    [{ provenanceSecret: "a b" }, "-c provenanceSecret must be the name of a secret, not its ARN."],
    [{ waf: "yes" }, "-c waf must be true or false."],
    [{ waf: { toString: "" } }, "-c waf must be true or false."],
    [{ retentionDays: { toString: 1 } }, "-c retentionDays must be a whole number from 1 to 3650."],
    [
      { imageUri: "adareel:latest" },
      "-c imageUri must be an image in Amazon ECR such as 123456789012.dkr.ecr.eu-central-1.amazonaws.com/adareel:1.",
    ],
    [{ build: "podman" }, "-c build must be docker or codebuild."],
    [{ inferenceAmi: "newest" }, `-c inferenceAmi must be ${INFERENCE_AMIS.join(" or ")}.`],
    [
      { domainName: "https://a.b", certificateArn },
      "-c domainName must be a domain name such as videos.example.com.",
    ],
    [
      { domainName: "a.example", certificateArn: certificateArn.replace("us-east-1", "eu-west-1") },
      "-c certificateArn must be the ARN of a certificate in us-east-1, such as arn:aws:acm:us-east-1:123456789012:certificate/0123abcd-4567.",
    ],
    [{ alarmEmail: "me" }, email],
    [{ monthlyBudgetUsd: "0" }, budget],
    [{ monthlyBudgetUsd: "$50" }, budget],
    [{ domainName: "a.example" }, "domainName and certificateArn belong together: give both or neither."],
    [{ certificateArn }, "domainName and certificateArn belong together: give both or neither."],
    [
      { imageUri: `${account}.dkr.ecr.us-east-1.amazonaws.com/x:1`, build: "docker" },
      "imageUri and build exclude each other: give one of them.",
    ],
    [
      { region: "cn-north-1" },
      "There is no Lambda@Edge for cn-north-1 (aws-cn): choose a region of the aws partition.",
    ],
  ])("the settings %o are refused in a sentence that says what is allowed", (options, sentence) => {
    expect(refusal(options)).toBe(sentence);
  });

  it("an unknown setting is refused with the nearest one, or the list of settings", () => {
    expect(refusal({ instanceType: "ml.g5.xlarge" })).toBe(
      "There is no setting instanceType: did you mean instanceTypes?",
    );
    expect(refusal({ gpu: "1" })).toMatch(
      /^There is no setting gpu: choose from name, account, .*terminationProtection\.$/,
    );
  });

  it("every setting is in the table of docs/deploy.md", () => {
    const settings = settingNames();
    const table = readFileSync("docs/deploy.md", "utf8").split("## Settings")[1]!.split("\n## ")[0]!;
    const described = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names]) => names!.match(/\w+/g)!);
    expect(described.sort()).toEqual(settings.sort());
  });

  it("a deployment without an account is refused in one sentence", () => {
    expect(() => parseDeployment({}, {})).toThrow(
      new DeploymentError("No AWS account is known: log in, or say -c account=123456789012."),
    );
  });

  it("any other value of a setting is refused in one sentence", () => {
    const settings = fc.constantFrom(...settingNames());
    fc.assert(
      fc.property(fc.dictionary(settings, fc.jsonValue(), { minKeys: 1 }), (options) => {
        try {
          parse(options);
        } catch (error) {
          expect(error).toBeInstanceOf(DeploymentError);
          expect((error as Error).message).toMatch(/^[^\n]+\.$/);
        }
      }),
    );
  });
});
