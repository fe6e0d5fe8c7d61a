import { Match, type Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { ACCOUNT, IMAGE, templateOf } from "./deployment.ts";
import { permissionsOf } from "./policies.ts";

const BUCKET = `adareel-${ACCOUNT}-eu-central-1`;
const template = templateOf("gpu");

function variantOf(from: Template): Record<string, unknown> {
  const [config] = Object.values(from.findResources("AWS::SageMaker::EndpointConfig"));
  return config!.Properties.ProductionVariants[0];
}

function endpointName(options: Record<string, string> = {}): string {
  const [endpoint] = Object.values(templateOf("gpu", options).findResources("AWS::SageMaker::Endpoint"));
  return endpoint!.Properties.EndpointName;
}

describe("the container", () => {
  it("the container gets the image, the model's files unchanged, and where it finds the jobs", () => {
    const uri = `s3://${BUCKET}/models/demo/`;
    template.hasResourceProperties("AWS::SageMaker::Model", {
      PrimaryContainer: {
        Image: IMAGE,
        Environment: {
          AWS_REGION: "eu-central-1",
          STORE: `s3://${BUCKET}`,
          MODEL_URI: uri,
          PROVIDER: "cuda",
          GPU_MEMORY_GIB: "48",
          MAX_RUN_MS: "3480000",
        },
        ModelDataSource: {
          S3DataSource: { S3Uri: uri, S3DataType: "S3Prefix", CompressionType: "None" },
        },
      },
      EnableNetworkIsolation: Match.absent(),
    });
  });

  it("the container is given to SageMaker once its role may read it", () => {
    const [model] = Object.values(template.findResources("AWS::SageMaker::Model"));
    expect(model!.DependsOn).toEqual(
      expect.arrayContaining([expect.stringMatching(/^EndpointRoleDefaultPolicy/)]),
    );
  });
});

describe("the container that signs videos", () => {
  it("the container is told how videos are signed, and may read the secret that it names and no other", () => {
    const signing = templateOf("gpu", { provenance: "required", provenanceSecret: "adareel/signer" });
    signing.hasResourceProperties("AWS::SageMaker::Model", {
      PrimaryContainer: {
        Environment: Match.objectLike({ PROVENANCE: "required", PROVENANCE_SECRET_ID: "adareel/signer" }),
      },
    });
    const granted = permissionsOf(signing, "EndpointRole");
    const secrets = granted.filter((line) => JSON.stringify(line).includes("secretsmanager"));
    expect(JSON.stringify(secrets)).toContain(`eu-central-1:${ACCOUNT}:secret:adareel/signer-??????`);
    expect(secrets).toHaveLength(1);
    expect(JSON.stringify(permissionsOf(template, "EndpointRole"))).not.toContain("secretsmanager");
  });
});

describe("the instances", () => {
  it("the instances are of the first type that is available", () => {
    expect(variantOf(template)).toMatchObject({
      InstancePools: [
        { InstanceType: "ml.g6e.2xlarge", Priority: 1 },
        { InstanceType: "ml.g6e.4xlarge", Priority: 2 },
      ],
      VariantInstanceProvisionTimeoutInSeconds: 3600,
      InitialInstanceCount: 1,
      InferenceAmiVersion: "al2023-ami-sagemaker-inference-gpu-4-1",
      ModelDataDownloadTimeoutInSeconds: 3600,
      ContainerStartupHealthCheckTimeoutInSeconds: 1800,
    });
    expect(variantOf(template)).not.toHaveProperty("InstanceType");
  });

  it("the instances of a single type form no pool", () => {
    const variant = variantOf(templateOf("gpu", { instanceTypes: "ml.g5.xlarge" }));
    expect(variant).toMatchObject({ InstanceType: "ml.g5.xlarge" });
    expect(variant).not.toHaveProperty("InstancePools");
    expect(variant).not.toHaveProperty("VariantInstanceProvisionTimeoutInSeconds");
  });

  it("the instances boot the AMI that was chosen", () => {
    const inferenceAmi = "al2-ami-sagemaker-inference-gpu-3-1";
    expect(variantOf(templateOf("gpu", { inferenceAmi }))).toMatchObject({
      InferenceAmiVersion: inferenceAmi,
    });
  });

  it("the instances without a GPU run on the CPU, from an AMI for them", () => {
    const cpu = templateOf("gpu", { instanceTypes: "ml.m5.xlarge" });
    expect(variantOf(cpu)).toMatchObject({ InstanceType: "ml.m5.xlarge" });
    expect(variantOf(cpu)).not.toHaveProperty("InferenceAmiVersion");
    cpu.hasResourceProperties("AWS::SageMaker::Model", {
      PrimaryContainer: { Environment: Match.objectLike({ PROVIDER: "cpu", GPU_MEMORY_GIB: "0" }) },
    });
  });
});

describe("an invocation", () => {
  it("an invocation has an instance for itself, and its end is notified", () => {
    template.hasResourceProperties("AWS::SageMaker::EndpointConfig", {
      AsyncInferenceConfig: {
        ClientConfig: { MaxConcurrentInvocationsPerInstance: 1 },
        OutputConfig: {
          S3OutputPath: `s3://${BUCKET}/invocations/ended/`,
          S3FailurePath: `s3://${BUCKET}/invocations/failed/`,
          NotificationConfig: {
            SuccessTopic: { Ref: Match.stringLikeRegexp("^EndpointSuccesses") },
            ErrorTopic: { Ref: Match.stringLikeRegexp("^EndpointFailures") },
          },
        },
      },
    });
  });
});

describe("the endpoint", () => {
  const name = endpointName();

  it("the endpoint is named after its configuration", () => {
    expect(name).toMatch(/^adareel-[0-9a-f]{10}$/);
    expect(endpointName()).toBe(name);
  });

  it.each([
    ["image", { imageUri: `${IMAGE.slice(0, -1)}1` }],
    ["model", { model: "open-sora" }],
    ["list of types", { instanceTypes: "ml.g6e.2xlarge" }],
    ["order of types", { instanceTypes: "ml.g6e.4xlarge,ml.g6e.2xlarge" }],
    ["AMI", { inferenceAmi: "al2-ami-sagemaker-inference-gpu-3-1" }],
  ])(
    "the endpoint is replaced by another when its %s changes, since it cannot be changed",
    (_what, options) => {
      expect(endpointName(options)).not.toBe(name);
    },
  );

  it.each([{ instancesMax: "4" }, { idleMinutes: "30" }, { retentionDays: "7" }, { waf: "true" }])(
    "the endpoint stays when %o changes, and its queue with it",
    (options) => {
      expect(endpointName(options)).toBe(name);
    },
  );
});

it("the endpoint's log expires, and is there before the container writes to it", () => {
  const [endpoint] = Object.values(template.findResources("AWS::SageMaker::Endpoint"));
  const logs = template.findResources("AWS::Logs::LogGroup", {
    Properties: { LogGroupName: `/aws/sagemaker/Endpoints/${endpointName()}`, RetentionInDays: 30 },
    DeletionPolicy: "Delete",
  });
  expect(Object.keys(logs)).toHaveLength(1);
  expect(endpoint!.DependsOn).toContain(Object.keys(logs)[0]);
});

describe("the role of the instances", () => {
  it("the role of the instances is SageMaker's, for this account", () => {
    template.hasResourceProperties("AWS::IAM::Role", {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: "sts:AssumeRole",
            Principal: { Service: "sagemaker.amazonaws.com" },
            Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } },
          },
        ],
      },
    });
  });

  it("the role of the instances may do what the container and SageMaker do, and pull the image", () => {
    const s3 = `arn:aws:s3:::${BUCKET}`;
    const prefixes = {
      StringLikeIfExists: {
        "s3:prefix": ["jobs/*", "artifacts/*", "inputs/*", "runs/*", "models/demo/*", "unfinished/*"],
      },
    };
    const namespaces = { "cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"] };
    const logs = `arn:aws:logs:eu-central-1:${ACCOUNT}:log-group:/aws/sagemaker/Endpoints/${endpointName()}*`;
    const granted = permissionsOf(template, "EndpointRole");
    expect(granted.filter((line) => !line.startsWith("ecr:"))).toEqual(
      [
        `s3:GetObject ${s3}/jobs/*`,
        `s3:GetObject ${s3}/artifacts/*`,
        `s3:GetObject ${s3}/inputs/*`,
        `s3:GetObject ${s3}/runs/*`,
        `s3:GetObject ${s3}/models/demo/*`,
        `s3:PutObject ${s3}/jobs/*`,
        `s3:PutObject ${s3}/artifacts/*`,
        `s3:PutObject ${s3}/unfinished/*`,
        `s3:PutObject ${s3}/undelivered/*`,
        `s3:PutObject ${s3}/runs/*`,
        `s3:PutObject ${s3}/invocations/*`,
        `s3:DeleteObject ${s3}/unfinished/*`,
        `s3:DeleteObject ${s3}/artifacts/*`,
        `s3:ListBucket ${s3} if ${JSON.stringify(prefixes)}`,
        "sns:Publish EndpointSuccesses",
        "sns:Publish EndpointFailures",
        ...["CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents"].map(
          (action) => `logs:${action} ${logs}`,
        ),
        `cloudwatch:PutMetricData * if ${JSON.stringify({ StringEquals: namespaces })}`,
      ].sort(),
    );
    expect(granted.filter((line) => line.startsWith("ecr:"))).not.toEqual([]);
  });
});
