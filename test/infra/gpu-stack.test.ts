import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { ACCOUNT, templateOf } from "./deployment.ts";
import { names, permissionsOf } from "./policies.ts";

const BUCKET = `arn:aws:s3:::adareel-${ACCOUNT}-eu-central-1`;
const template = templateOf("gpu");

const CONSUME = [
  "ChangeMessageVisibility",
  "DeleteMessage",
  "GetQueueAttributes",
  "GetQueueUrl",
  "ReceiveMessage",
];

/** Permissions that every function has: to write its own log, and to receive the messages of its queue. */
function common(name: string, queue?: string): string[] {
  const log = ["CreateLogStream", "PutLogEvents"].map((action) => `logs:${action} ${name}Log`);
  return [...log, ...(queue ? CONSUME.map((action) => `sqs:${action} ${queue}`) : [])];
}

const list = (...folders: string[]) =>
  `s3:ListBucket ${BUCKET} if ${JSON.stringify({
    StringLikeIfExists: { "s3:prefix": folders.map((folder) => `${folder}*`) },
  })}`;

describe("the permissions of a function", () => {
  it("the dispatch function has exactly the permissions that it uses", () => {
    const [endpointName] = endpointNames();
    expect(permissionsOf(template, "Dispatch")).toEqual(
      [
        ...common("Dispatch", "WorkQueue"),
        `s3:GetObject ${BUCKET}/jobs/*`,
        `s3:PutObject ${BUCKET}/jobs/*`,
        `s3:PutObject ${BUCKET}/undelivered/*`,
        `s3:DeleteObject ${BUCKET}/unfinished/*`,
        list("jobs/"),
        "sqs:SendMessage WebhooksQueue",
        `sagemaker:InvokeEndpointAsync arn:aws:sagemaker:eu-central-1:${ACCOUNT}:endpoint/${endpointName}`,
      ].sort(),
    );
  });

  it("the settle function has exactly the permissions that it uses", () => {
    expect(permissionsOf(template, "Settle")).toEqual(
      [
        ...common("Settle", "EventsQueue"),
        `s3:GetObject ${BUCKET}/jobs/*`,
        `s3:PutObject ${BUCKET}/jobs/*`,
        list("jobs/"),
        "sqs:SendMessage WebhooksQueue",
        "sqs:SendMessage WorkQueue",
      ].sort(),
    );
  });

  it("the webhook function has exactly the permissions that it uses", () => {
    expect(permissionsOf(template, "Webhook")).toEqual(
      [
        ...common("Webhook", "WebhooksQueue"),
        ...CONSUME.map((action) => `sqs:${action} SendsQueue`),
        `s3:GetObject ${BUCKET}/jobs/*`,
        `s3:GetObject ${BUCKET}/undelivered/*`,
        `s3:GetObject ${BUCKET}/webhook-endpoints/*`,
        `s3:PutObject ${BUCKET}/jobs/*`,
        `s3:PutObject ${BUCKET}/undelivered/*`,
        `s3:PutObject ${BUCKET}/webhook-endpoints/*`,
        `s3:DeleteObject ${BUCKET}/undelivered/*`,
        list("jobs/", "undelivered/", "webhook-endpoints/"),
        "sqs:SendMessage SendsQueue",
        "sqs:SendMessage WebhooksQueue",
        `secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:secret:adareel/master-key-??????`,
      ].sort(),
    );
  });

  it("the sweep function has exactly the permissions that it uses", () => {
    expect(permissionsOf(template, "SweepRole")).toEqual(
      [
        ...common("Sweep"),
        `s3:GetObject ${BUCKET}/jobs/*`,
        `s3:GetObject ${BUCKET}/undelivered/*`,
        `s3:GetObject ${BUCKET}/unfinished/*`,
        `s3:PutObject ${BUCKET}/jobs/*`,
        `s3:PutObject ${BUCKET}/unfinished/*`,
        `s3:PutObject ${BUCKET}/undelivered/*`,
        `s3:DeleteObject ${BUCKET}/undelivered/*`,
        `s3:DeleteObject ${BUCKET}/unfinished/*`,
        `s3:DeleteObject ${BUCKET}/inputs/*`,
        list("jobs/", "unfinished/", "undelivered/", "inputs/"),
        "sqs:SendMessage WebhooksQueue",
        "sqs:SendMessage WorkQueue",
      ].sort(),
    );
  });
});

describe("a function", () => {
  it("a function runs on Node 24 on arm64, with its own role, and a log that is deleted with the stack", () => {
    const functions = Object.values(template.findResources("AWS::Lambda::Function"));
    expect(functions).toHaveLength(4);
    for (const { Properties } of functions) {
      expect(Properties).toMatchObject({ Runtime: "nodejs24.x", Architectures: ["arm64"] });
      expect(Properties.ReservedConcurrentExecutions).toBeUndefined();
    }
    const own = (property: (of: Record<string, never>) => unknown) =>
      new Set(functions.map(({ Properties }) => JSON.stringify(property(Properties))));
    expect(own(({ Role }) => Role).size).toBe(4);
    for (const name of ["Dispatch", "Settle", "Webhook", "Sweep"])
      expect(names(functionOf(name).Properties.LoggingConfig?.LogGroup)).toBe(`${name}Log`);
    template.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: 30 });
    template.allResources("AWS::Logs::LogGroup", { DeletionPolicy: "Delete" });
  });

  it("a function has no managed policy of AWS, which would allow more", () => {
    template.allResourcesProperties("AWS::IAM::Role", { ManagedPolicyArns: Match.absent() });
  });

  it("a function has the locations of all services in its environment", () => {
    const [endpointName] = endpointNames();
    const store = {
      STORE: `s3://adareel-${ACCOUNT}-eu-central-1`,
      WORK_QUEUE_URL: "WorkQueue",
      WEBHOOKS_QUEUE_URL: "WebhooksQueue",
    };
    expect(environmentOf("Dispatch")).toEqual({ ...store, ENDPOINT_NAME: endpointName });
    expect(environmentOf("Settle")).toEqual(store);
    const webhook = { SENDS_QUEUE_URL: "SendsQueue", MASTER_SECRET_ID: "adareel/master-key" };
    expect(environmentOf("Webhook")).toEqual({ ...store, ...webhook });
    expect(environmentOf("Sweep")).toEqual({ ...store, ENDPOINT_NAME: endpointName, DEPLOYMENT: "adareel" });
  });

  it("a function that sends webhooks never sends them to the service itself, where its name is known", () => {
    const certificateArn = `arn:aws:acm:us-east-1:${ACCOUNT}:certificate/0a`;
    const named = templateOf("gpu", { domainName: "videos.example.com", certificateArn });
    named.hasResourceProperties("AWS::Lambda::Function", {
      Environment: { Variables: Match.objectLike({ BLOCKED_HOSTS: "videos.example.com" }) },
    });
  });

  it("a function that knows the endpoint is created after it", () => {
    const [endpoint] = Object.keys(template.findResources("AWS::SageMaker::Endpoint"));
    for (const name of ["Dispatch", "Sweep"]) expect(functionOf(name).DependsOn).toContain(endpoint);
  });
});

describe("messages", () => {
  it.each([
    ["Dispatch", "WorkQueue", 10, 2],
    ["Settle", "EventsQueue", 10, 2],
    ["Webhook", "WebhooksQueue", 10, 2],
    ["Webhook", "SendsQueue", 1, 3],
  ])(
    "the messages of %s come from %s, %i at a time, and fail one by one",
    (name, queue, size, concurrencyMax) => {
      const mappings = Object.values(template.findResources("AWS::Lambda::EventSourceMapping"));
      const own = mappings.filter(({ Properties }) => names(Properties.EventSourceArn) === queue);
      expect(own.map(({ Properties }) => names(Properties.FunctionName))).toEqual([`${name}Function`]);
      expect(own[0]!.Properties).toMatchObject({
        BatchSize: size,
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        ScalingConfig: { MaximumConcurrency: concurrencyMax },
      });
    },
  );

  it("the messages about receivers are in groups, each of which waits for its own receivers only", () => {
    const fifo = Object.entries(
      template.findResources("AWS::SQS::Queue", { Properties: { FifoQueue: true } }),
    );
    expect(fifo.map(([id]) => id.slice(0, -8)).sort()).toEqual(["SendsDeadLetters", "SendsQueue"]);
    template.hasResourceProperties("AWS::SQS::Queue", {
      DeduplicationScope: "messageGroup",
      FifoThroughputLimit: "perMessageGroupId",
      RedrivePolicy: {
        deadLetterTargetArn: { "Fn::GetAtt": [Match.stringLikeRegexp("^SendsDeadLetters"), "Arn"] },
      },
    });
    const many = templateOf("gpu", { sendersMax: "200" });
    many.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      ScalingConfig: { MaximumConcurrency: 200 },
    });
  });

  it("the functions and the sweep together use at most the concurrency of ten of a new account", () => {
    const mappings = Object.values(template.findResources("AWS::Lambda::EventSourceMapping"));
    const concurrency = mappings.map(({ Properties }) => Properties.ScalingConfig.MaximumConcurrency);
    expect(concurrency.reduce((sum, one) => sum + one, 1)).toBeLessThanOrEqual(10);
  });

  it("a message is hidden for six times as long as its function may run", () => {
    const data = templateOf("data");
    for (const [name, id, from] of [
      ["Dispatch", "WorkQueue", data],
      ["Webhook", "WebhooksQueue", data],
      ["Webhook", "SendsQueue", template],
      ["Settle", "EventsQueue", template],
    ] as const) {
      const queues = Object.entries(from.findResources("AWS::SQS::Queue"));
      const [, properties] = queues.find(([each]) => each.startsWith(id))!;
      const { Timeout } = functionOf(name).Properties;
      expect(properties.Properties.VisibilityTimeout).toBe(6 * Timeout);
    }
  });

  it.each(["Successes", "Failures"])(
    "messages of the topic %s arrive raw, and none is lost on the way",
    (topic) => {
      template.hasResourceProperties("AWS::SNS::Subscription", {
        TopicArn: { Ref: Match.stringLikeRegexp(`^Endpoint${topic}`) },
        Protocol: "sqs",
        Endpoint: { "Fn::GetAtt": [Match.stringLikeRegexp("^EventsQueue"), "Arn"] },
        RawMessageDelivery: true,
        FilterPolicy: Match.absent(),
        RedrivePolicy: {
          deadLetterTargetArn: { "Fn::GetAtt": [Match.stringLikeRegexp("^EventsDeadLetters"), "Arn"] },
        },
      });
      template.hasResourceProperties("AWS::SQS::QueuePolicy", {
        Queues: [{ Ref: Match.stringLikeRegexp("^EventsQueue") }],
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Effect: "Allow",
              Action: "sqs:SendMessage",
              Principal: { Service: "sns.amazonaws.com" },
              Condition: {
                ArnEquals: { "aws:SourceArn": { Ref: Match.stringLikeRegexp(`^Endpoint${topic}`) } },
              },
            }),
          ]),
        },
      });
    },
  );
});

describe("the sweep", () => {
  it("the sweep runs every two minutes, and a missed run is not repeated", () => {
    const [sweepId] = Object.keys(template.findResources("AWS::Lambda::Function")).filter((id) =>
      id.startsWith("SweepFunction"),
    );
    template.hasResourceProperties("AWS::Scheduler::Schedule", {
      ScheduleExpression: "rate(2 minutes)",
      FlexibleTimeWindow: { Mode: "OFF" },
      State: Match.absent(),
      StartDate: Match.absent(),
      EndDate: Match.absent(),
      Target: {
        Arn: { "Fn::GetAtt": [sweepId, "Arn"] },
        RoleArn: { "Fn::GetAtt": [Match.stringLikeRegexp("^SweepScheduleRole"), "Arn"] },
        RetryPolicy: { MaximumRetryAttempts: 0 },
      },
    });
    template.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      FunctionName: { Ref: sweepId },
      MaximumRetryAttempts: 0,
    });
  });

  it("the sweep may take longer than the time between two calls, when many jobs need it", () => {
    expect(functionOf("Sweep").Properties.Timeout).toBeGreaterThan(2 * 60);
  });

  it("the sweep is called by a role of this account's scheduler that can call nothing else", () => {
    expect(permissionsOf(template, "SweepScheduleRole")).toEqual(["lambda:InvokeFunction SweepFunction"]);
    template.hasResourceProperties("AWS::IAM::Role", {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: "sts:AssumeRole",
            Principal: { Service: "scheduler.amazonaws.com" },
            Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } },
          },
        ],
      },
    });
  });
});

it("the outputs name the endpoint, the dashboard and the dead letters", () => {
  template.hasOutput("Dashboard", {
    Value: Match.stringLikeRegexp("#dashboards/dashboard/adareel-eu-central-1-jobs$"),
  });
  template.hasOutput("EndpointName", { Value: endpointNames()[0] });
  template.hasOutput("SendDeadLetters", { Value: { Ref: Match.stringLikeRegexp("^SendsDeadLetters") } });
  template.hasOutput("EventDeadLetters", { Value: { Ref: Match.stringLikeRegexp("^EventsDeadLetters") } });
});

function endpointNames(): string[] {
  const endpoints = Object.values(template.findResources("AWS::SageMaker::Endpoint"));
  return endpoints.map(({ Properties }) => Properties.EndpointName);
}

function functionOf(name: string) {
  const functions = Object.entries(template.findResources("AWS::Lambda::Function"));
  return functions.find(([id]) => id.startsWith(`${name}Function`))![1]!;
}

function environmentOf(name: string): Record<string, string> {
  const variables: [string, unknown][] = Object.entries(functionOf(name).Properties.Environment.Variables);
  return Object.fromEntries(variables.map(([variable, value]) => [variable, names(value)]));
}
