import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { ACCOUNT, templateOf } from "./deployment.ts";
import { names } from "./policies.ts";

const NAME = `adareel-${ACCOUNT}-eu-central-1`;
const template = templateOf("data", { retentionDays: "90" });

const [found] = Object.entries(
  template.findResources("AWS::S3::Bucket", { Properties: { BucketName: NAME } }),
);
const [bucketId, bucket] = found!;
const [accessLogsId] = Object.keys(template.findResources("AWS::S3::Bucket")).filter((id) => id !== bucketId);

interface Rule {
  readonly Prefix?: string;
  readonly ExpirationInDays?: number;
}

function expiryDays(options: Record<string, unknown>): Record<string, number | undefined> {
  const [own] = Object.values(
    templateOf("data", options).findResources("AWS::S3::Bucket", { Properties: { BucketName: NAME } }),
  );
  const rules: Rule[] = own!.Properties.LifecycleConfiguration.Rules;
  return Object.fromEntries(rules.map(({ Prefix, ExpirationInDays }) => [Prefix ?? "", ExpirationInDays]));
}

function statementsOf(id: string): Record<string, unknown>[] {
  const policies = template.findResources("AWS::S3::BucketPolicy", { Properties: { Bucket: { Ref: id } } });
  return Object.values(policies).flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
}

describe("the bucket", () => {
  it("the bucket and its access logs are private and encrypted, and outlive the stack", () => {
    const properties = {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
      VersioningConfiguration: Match.absent(),
    };
    template.allResourcesProperties("AWS::S3::Bucket", properties);
    template.allResources("AWS::S3::Bucket", {
      DeletionPolicy: "RetainExceptOnCreate",
      UpdateReplacePolicy: "Retain",
    });
    template.resourceCountIs("AWS::S3::Bucket", 2);
  });

  it("the bucket logs who reads it", () => {
    template.hasResourceProperties("AWS::S3::Bucket", {
      BucketName: NAME,
      LoggingConfiguration: { DestinationBucketName: { Ref: accessLogsId } },
    });
  });

  it.each([
    ["of videos", bucketId],
    ["of access logs", accessLogsId!],
  ])("the bucket policy %s requires TLS 1.2 or newer", (_name, id) => {
    const denied = (condition: object) =>
      expect.objectContaining({
        Effect: "Deny",
        Action: "s3:*",
        Principal: { AWS: "*" },
        Condition: condition,
      });
    expect(statementsOf(id)).toContainEqual(denied({ Bool: { "aws:SecureTransport": "false" } }));
    expect(statementsOf(id)).toContainEqual(denied({ NumericLessThan: { "s3:TlsVersion": 1.2 } }));
  });

  it("the bucket refuses unconditional writes wherever one may be lost by them", () => {
    const arn = { "Fn::GetAtt": [bucketId, "Arn"] };
    const folders = [
      "api-keys/",
      "artifacts/",
      "claims/",
      "inputs/",
      "jobs/",
      "runs/",
      "spending/",
      "triggers/",
      "webhook-endpoints/",
    ];
    expect(statementsOf(bucketId)).toContainEqual({
      Sid: "ConditionalWritesOnly",
      Effect: "Deny",
      Principal: { AWS: "*" },
      Action: "s3:PutObject",
      Condition: { Null: { "s3:if-match": "true", "s3:if-none-match": "true" } },
      Resource: folders.map((folder) => ({ "Fn::Join": ["", [arn, `/${folder}*`]] })),
    });
  });

  it("the bucket expires objects by age, but never a key, a trigger or a model", () => {
    expect(expiryDays({ retentionDays: "90" })).toEqual({
      "artifacts/": 90,
      "inputs/": 90,
      "jobs/": 90,
      "undelivered/": 94,
      "claims/": 31,
      "spending/": 3,
      "invocations/": 7,
      "": undefined,
    });
  });

  it("the bucket's rules are all in force", () => {
    const rules: { Status: string }[] = bucket.Properties.LifecycleConfiguration.Rules;
    expect(new Set(rules.map(({ Status }) => Status))).toEqual(new Set(["Enabled"]));
  });

  it("the bucket keeps records and markers as long as webhooks are retried, however short videos are kept", () => {
    const waitDaysMax = (24 * 1.2) / 24;
    const scheduleDaysMax = (75.6 * 1.2) / 24;
    const days = expiryDays({ retentionDays: "1" });
    expect(days["artifacts/"]).toBe(1);
    expect(days["jobs/"]).toBeGreaterThan(waitDaysMax);
    expect(days["undelivered/"]).toBeGreaterThan(scheduleDaysMax);
  });

  it("the bucket keeps old versions only where days for them are configured, and for as long", () => {
    template.hasResourceProperties("AWS::S3::Bucket", {
      BucketName: NAME,
      VersioningConfiguration: Match.absent(),
    });
    templateOf("data", { undeleteDays: "14" }).hasResourceProperties("AWS::S3::Bucket", {
      BucketName: NAME,
      VersioningConfiguration: { Status: "Enabled" },
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          {
            Id: "expire-old-versions",
            Status: "Enabled",
            NoncurrentVersionExpiration: { NoncurrentDays: 14 },
            ExpiredObjectDeleteMarker: true,
          },
        ]),
      },
    });
  });

  it("the bucket removes abandoned uploads", () => {
    template.hasResourceProperties("AWS::S3::Bucket", {
      BucketName: NAME,
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          {
            Id: "abort-uploads",
            Status: "Enabled",
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          },
        ]),
      },
    });
  });

  it("the bucket notifies the queues of new markers, itself and after their policies", () => {
    const { QueueConfigurations } = bucket.Properties.NotificationConfiguration as {
      QueueConfigurations: { Event: string; Queue: unknown; Filter: unknown }[];
    };
    const filter = (prefix: string) => ({ S3Key: { Rules: [{ Name: "prefix", Value: prefix }] } });
    expect(QueueConfigurations.map((one) => ({ ...one, Queue: names(one.Queue) }))).toEqual([
      { Event: "s3:ObjectCreated:*", Queue: "WorkQueue", Filter: filter("unfinished/") },
      { Event: "s3:ObjectCreated:*", Queue: "WebhooksQueue", Filter: filter("undelivered/") },
    ]);
    const policies = Object.keys(template.findResources("AWS::SQS::QueuePolicy"));
    const own = policies.filter((id) => id.includes("QueuePolicy"));
    expect(own).toHaveLength(2);
    expect(bucket.DependsOn).toEqual(expect.arrayContaining(own));
    template.resourceCountIs("AWS::Lambda::Function", 0);
  });
});

describe("a queue", () => {
  it.each([
    ["Work", 30],
    ["Webhooks", 60],
  ])("the queue %s hides a message for six times as long as its function may run", (name, timeoutSeconds) => {
    const [queue] = queues((id) => id.startsWith(`${name}Queue`));
    expect(queue!.VisibilityTimeout).toBe(6 * timeoutSeconds);
  });

  it("a queue gives up after five tries, and keeps dead letters for two weeks", () => {
    const working = queues((id) => /Queue[0-9A-F]{8}$/.test(id));
    expect(working.map(({ RedrivePolicy }) => RedrivePolicy)).toEqual([
      { deadLetterTargetArn: arnOf("WorkDeadLetters"), maxReceiveCount: 5 },
      { deadLetterTargetArn: arnOf("WebhooksDeadLetters"), maxReceiveCount: 5 },
    ]);
    const dead = queues((id) => id.includes("DeadLetters"));
    expect(dead.map(({ MessageRetentionPeriod }) => MessageRetentionPeriod / 86_400)).toEqual([14, 14]);
  });

  it("a queue is encrypted and takes no message without TLS", () => {
    template.allResourcesProperties("AWS::SQS::Queue", { SqsManagedSseEnabled: true });
    template.resourceCountIs("AWS::SQS::QueuePolicy", 4);
    template.allResourcesProperties("AWS::SQS::QueuePolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Deny",
            Action: "sqs:*",
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          }),
        ]),
      },
    });
  });

  it.each(["WorkQueue", "WebhooksQueue"])("the queue %s takes messages of this bucket alone", (name) => {
    template.hasResourceProperties("AWS::SQS::QueuePolicy", {
      Queues: [{ Ref: Match.stringLikeRegexp(`^${name}`) }],
      PolicyDocument: {
        Statement: [
          Match.anyValue(),
          {
            Effect: "Allow",
            Action: "sqs:SendMessage",
            Principal: { Service: "s3.amazonaws.com" },
            Resource: arnOf(name),
            Condition: {
              ArnEquals: { "aws:SourceArn": `arn:aws:s3:::${NAME}` },
              StringEquals: { "aws:SourceAccount": ACCOUNT },
            },
          },
        ],
      },
    });
  });
});

it("the master key is 64 random letters and digits, and outlives the stack", () => {
  template.hasResource("AWS::SecretsManager::Secret", {
    Properties: {
      Name: "adareel/master-key",
      GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true },
    },
    DeletionPolicy: "RetainExceptOnCreate",
    UpdateReplacePolicy: "Retain",
  });
});

it("the outputs say how to go on", () => {
  const outputs = Object.values(template.findOutputs("*")).map(({ Value }) => Value);
  const store = `AWS_REGION=eu-central-1 STORE=s3://${NAME}`;
  expect(outputs).toEqual(
    expect.arrayContaining([
      NAME,
      `${store} npm run models -- push <folder>`,
      `${store} npm run keys -- create`,
      { Ref: expect.stringMatching(/^WorkDeadLetters/) },
      { Ref: expect.stringMatching(/^WebhooksDeadLetters/) },
    ]),
  );
});

interface QueueProperties {
  readonly VisibilityTimeout: number;
  readonly RedrivePolicy: unknown;
  readonly MessageRetentionPeriod: number;
}

function queues(isMeant: (id: string) => boolean): QueueProperties[] {
  const found = Object.entries(template.findResources("AWS::SQS::Queue"));
  return found.filter(([id]) => isMeant(id)).map(([, { Properties }]) => Properties);
}

function arnOf(name: string) {
  const [id] = Object.keys(template.findResources("AWS::SQS::Queue")).filter((each) => each.startsWith(name));
  return { "Fn::GetAtt": [id, "Arn"] };
}
