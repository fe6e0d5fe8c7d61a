import { describe, expect, it } from "vitest";
import { ACCOUNT, DEPLOYMENTS, stacksOf, synthesized } from "./deployment.ts";
import { namedResources, statementLines } from "./policies.ts";

const FOR_THIS_ACCOUNT = `if aws:SourceAccount=${ACCOUNT}`;

/** Services of AWS that may assume each role. Lambda, EC2 and CodeBuild do not say on whose behalf they ask. */
const TRUSTED: Readonly<Record<string, readonly string[]>> = {
  ApiRole: ["edgelambda.amazonaws.com", "lambda.amazonaws.com"],
  DispatchRole: ["lambda.amazonaws.com"],
  EndpointRole: [`sagemaker.amazonaws.com ${FOR_THIS_ACCOUNT}`],
  ImageBuildBuildRole: ["codebuild.amazonaws.com"],
  ImageBuildStartRole: ["lambda.amazonaws.com"],
  SettleRole: ["lambda.amazonaws.com"],
  SweepRole: ["lambda.amazonaws.com"],
  SweepScheduleRole: [`scheduler.amazonaws.com ${FOR_THIS_ACCOUNT}`],
  WebhookRole: ["lambda.amazonaws.com"],
  WorkersCapacityInfrastructure: [`ecs.amazonaws.com ${FOR_THIS_ACCOUNT}`],
  WorkersCapacityInstance: ["ec2.amazonaws.com"],
  WorkersTaskExecutionRole: [`ecs-tasks.amazonaws.com ${FOR_THIS_ACCOUNT}`],
  WorkersTaskRole: [`ecs-tasks.amazonaws.com ${FOR_THIS_ACCOUNT}`],
};

/** Services of AWS that may use each bucket, queue and topic; nobody may use any other from outside the account. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  AlarmsOps: [`cloudwatch.amazonaws.com sns:Publish ${FOR_THIS_ACCOUNT}`],
  EventsDeadLetters: [
    "sns.amazonaws.com sqs:SendMessage if aws:SourceArn=EndpointFailures",
    "sns.amazonaws.com sqs:SendMessage if aws:SourceArn=EndpointSuccesses",
  ],
  EventsQueue: [
    "sns.amazonaws.com sqs:SendMessage if aws:SourceArn=EndpointFailures",
    "sns.amazonaws.com sqs:SendMessage if aws:SourceArn=EndpointSuccesses",
  ],
  Ops: [`cloudwatch.amazonaws.com sns:Publish ${FOR_THIS_ACCOUNT}`],
  VideosAccessLogs: [
    `logging.s3.amazonaws.com s3:PutObject if aws:SourceAccount=${ACCOUNT} aws:SourceArn=VideosBucket`,
  ],
  WebhooksQueue: [
    `s3.amazonaws.com sqs:SendMessage if aws:SourceAccount=${ACCOUNT} aws:SourceArn=arn:aws:s3:::BUCKET`,
  ],
  WorkQueue: [
    `s3.amazonaws.com sqs:SendMessage if aws:SourceAccount=${ACCOUNT} aws:SourceArn=arn:aws:s3:::BUCKET`,
  ],
};

/** Types of resources that have a policy of their own, with the types of their policies. */
const OPEN_TYPES: Readonly<Record<string, string>> = {
  "AWS::S3::Bucket": "AWS::S3::BucketPolicy",
  "AWS::SQS::Queue": "AWS::SQS::QueuePolicy",
  "AWS::SNS::Topic": "AWS::SNS::TopicPolicy",
};

describe.each(Object.entries(DEPLOYMENTS))("whom a deployment trusts, %s", (_name, options) => {
  const resources = stacksOf(options).flatMap((stack) => namedResources(synthesized(stack)));
  const { BucketName: bucket } = resources.find(({ name }) => name === "VideosBucket")!.properties;
  const policies = Object.values(OPEN_TYPES);
  const linesOf = (name: string, effect: "Allow" | "Deny") =>
    resources
      .filter((each) => policies.includes(each.type) && each.name === `${name}Policy`)
      .flatMap(({ properties: { PolicyDocument } }) => statementLines(PolicyDocument, effect))
      .map((line) => line.replace(bucket, "BUCKET"))
      .sort();
  const open = resources.filter(({ type }) => type in OPEN_TYPES);

  it("a role is assumed by its own service of AWS, and for this account alone where the service names one", () => {
    const roles = resources.filter(({ type }) => type === "AWS::IAM::Role");
    expect(roles.length).toBeGreaterThan(5);
    for (const { name, properties } of roles)
      expect([name, statementLines(properties.AssumeRolePolicyDocument, "Allow").map(withoutAction)]).toEqual(
        [name, TRUSTED[name]],
      );
  });

  it("a bucket, a queue or a topic is open to the services of AWS that need it, and to nobody else", () => {
    expect(open.length).toBeGreaterThan(8);
    for (const { name } of open) {
      const isTold = name === "Ops" && "monthlyBudgetUsd" in options;
      const budgets = isTold ? [`budgets.amazonaws.com sns:Publish ${FOR_THIS_ACCOUNT}`] : [];
      expect([name, linesOf(name, "Allow")]).toEqual([name, [...budgets, ...(ALLOWED[name] ?? [])]]);
    }
  });

  it("a bucket, a queue or a topic refuses whoever comes without TLS", () => {
    for (const { name, type } of open) {
      const action =
        type === "AWS::SNS::Topic" ? "sns:Publish" : type === "AWS::S3::Bucket" ? "s3:*" : "sqs:*";
      expect(linesOf(name, "Deny"), name).toContain(`* ${action} if aws:SecureTransport=false`);
    }
  });
});

function withoutAction(line: string): string {
  return line.replace(" sts:AssumeRole", "");
}
