import { createHash } from "node:crypto";
import { RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { CfnEndpoint, CfnEndpointConfig, CfnModel } from "aws-cdk-lib/aws-sagemaker";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import type { DeploymentConfig } from "../../config.ts";
import type { ContainerImage } from "../../image/gpu-image.ts";
import { FOLDERS, sharedNames } from "../../names.ts";
import { hasGpu } from "../instance-types.ts";
import { grantWork, workerEnvironment } from "../worker.ts";
import type { EndpointNames } from "./metrics.ts";
import { RUN_MS_MAX } from "./run-limit.ts";

export interface GpuEndpointProps {
  readonly config: DeploymentConfig;
  readonly image: ContainerImage;
}

/** SageMaker's maximum timeouts. Big models take long to download, and only time that passes is billed. */
const DOWNLOAD_SECONDS_MAX = 3600;
const START_SECONDS_MAX = 1800;

const LOG_RETENTION = RetentionDays.ONE_MONTH;

/** SageMaker's maximum time for all instance types together: one that cannot be had may take long to be refused. */
const PROVISION_SECONDS_MAX = 3600;

/** SageMaker asynchronous endpoint: a queue, and the instances that serve it, which scale to zero. */
export class GpuEndpoint extends Construct implements EndpointNames {
  readonly endpointName: string;
  readonly variantName = "gpu";
  readonly resource: CfnEndpoint;
  /** Topics on which SageMaker reports every invocation that succeeded or failed. */
  readonly successes: Topic;
  readonly failures: Topic;
  private readonly role: Role;
  private readonly arn: string;

  constructor(scope: Construct, id: string, { config, image }: GpuEndpointProps) {
    super(scope, id);
    const { bucket } = sharedNames(config);
    const variant = variantOf(config, this.variantName);
    const environment = workerEnvironment(config, { runMsMax: RUN_MS_MAX });
    // CloudFormation cannot change the instance type of an endpoint that scales. Another name makes another endpoint,
    // which is in service before the old one is deleted. The sweep submits the jobs of the old endpoint's queue again.
    // With the retention, since the log group of an endpoint of earlier versions is SageMaker's and not the stack's.
    const fingerprint = JSON.stringify([image.fingerprint, environment, variant, LOG_RETENTION]);
    const hash = createHash("sha256").update(fingerprint).digest("hex").slice(0, 10);
    this.endpointName = `${config.name}-${hash}`;
    this.arn = Stack.of(this).formatArn({
      service: "sagemaker",
      resource: "endpoint",
      resourceName: this.endpointName,
    });
    this.successes = new Topic(this, "Successes", { enforceSSL: true });
    this.failures = new Topic(this, "Failures", { enforceSSL: true });
    this.role = this.executionRole(config);
    image.grantPull(this.role);

    const model = new CfnModel(this, "Model", {
      executionRoleArn: this.role.roleArn,
      primaryContainer: {
        image: image.uri,
        environment,
        modelDataSource: {
          s3DataSource: {
            s3Uri: environment.MODEL_URI,
            s3DataType: "S3Prefix",
            compressionType: "None",
          },
        },
      },
    });
    // SageMaker checks the role's access when a model is created.
    model.node.addDependency(this.role);
    const endpointConfig = new CfnEndpointConfig(this, "Config", {
      productionVariants: [{ ...variant, modelName: model.attrModelName }],
      asyncInferenceConfig: {
        // An instance has one GPU, which makes one video at a time.
        clientConfig: { maxConcurrentInvocationsPerInstance: 1 },
        outputConfig: {
          s3OutputPath: `s3://${bucket}/${FOLDERS.invocations}ended/`,
          s3FailurePath: `s3://${bucket}/${FOLDERS.invocations}failed/`,
          notificationConfig: {
            successTopic: this.successes.topicArn,
            errorTopic: this.failures.topicArn,
          },
        },
      },
    });
    // SageMaker would create the group, without expiry, and leave it behind when the endpoint is replaced.
    const logGroup = new LogGroup(this, "Log", {
      logGroupName: logGroupOf(this.endpointName),
      retention: LOG_RETENTION,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.resource = new CfnEndpoint(this, "Endpoint", {
      endpointName: this.endpointName,
      endpointConfigName: endpointConfig.attrEndpointConfigName,
    });
    this.resource.node.addDependency(logGroup);
  }

  grantInvoke(role: Role): void {
    role.addToPolicy(
      new PolicyStatement({ actions: ["sagemaker:InvokeEndpointAsync"], resources: [this.arn] }),
    );
  }

  /** Creates the role that both the container and SageMaker itself use. */
  private executionRole(config: DeploymentConfig): Role {
    const { account } = Stack.of(this);
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("sagemaker.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": account } },
      }),
    });
    grantWork(role, config, [FOLDERS.invocations]);
    this.successes.grantPublish(role);
    this.failures.grantPublish(role);
    grantTelemetry(role, this.endpointName);
    return role;
  }
}

function variantOf(
  config: DeploymentConfig,
  variantName: string,
): Omit<CfnEndpointConfig.ProductionVariantProperty, "modelName"> {
  const { instanceTypes } = config;
  const [instanceType] = instanceTypes;
  const instancePools = instanceTypes.map((type, index) => ({ instanceType: type, priority: index + 1 }));
  return {
    variantName,
    // An endpoint cannot start with fewer. The scaling removes the instance when there are no jobs.
    initialInstanceCount: 1,
    ...(instanceTypes.length === 1
      ? { instanceType }
      : { instancePools, variantInstanceProvisionTimeoutInSeconds: PROVISION_SECONDS_MAX }),
    // The default AMIs of older types have drivers without CUDA 12.
    ...(hasGpu(config) && { inferenceAmiVersion: config.inferenceAmi }),
    modelDataDownloadTimeoutInSeconds: DOWNLOAD_SECONDS_MAX,
    containerStartupHealthCheckTimeoutInSeconds: START_SECONDS_MAX,
  };
}

/** Returns the name of the log group to which SageMaker writes what the container prints. */
export function logGroupOf(endpointName: string): string {
  return `/aws/sagemaker/Endpoints/${endpointName}`;
}

function grantTelemetry(role: Role, endpointName: string): void {
  const { account, region } = Stack.of(role);
  const logs = `arn:aws:logs:${region}:${account}:log-group:${logGroupOf(endpointName)}*`;
  role.addToPolicy(
    new PolicyStatement({
      actions: [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
      ],
      resources: [logs],
    }),
  );
  role.addToPolicy(
    new PolicyStatement({
      actions: ["cloudwatch:PutMetricData"],
      resources: ["*"],
      conditions: { StringEquals: { "cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"] } },
    }),
  );
  Validations.of(role).acknowledge(
    {
      id: `AwsSolutions-IAM5[Resource::${logs}]`,
      reason: "SageMaker names the streams, and a group for each part of the endpoint, when it starts.",
    },
    {
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "cloudwatch:PutMetricData knows no resources; its namespaces are the boundary.",
    },
  );
}
