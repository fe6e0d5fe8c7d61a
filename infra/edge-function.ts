import { AssetHashType, DockerImage, Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { CompositePrincipal, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  Code,
  type IVersion,
  Function as LambdaFunction,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import type { DeploymentConfig } from "./config.ts";
import { bundleEdge } from "./edge-bundle.ts";
import { grantFolders } from "./folder-access.ts";
import { edgeLogGroups, FOLDERS, sharedNames } from "./names.ts";
import { grantMasterKey } from "./secret-access.ts";

export interface EdgeFunctionProps {
  readonly config: DeploymentConfig;
}

const USE_CDK_MANAGED_LOG_GROUP = "@aws-cdk/aws-lambda:useCdkManagedLogGroup";

/** Lambda allots processor time by memory, and a cold start needs it. */
const MEMORY_MIB = 1024;

/** Lambda@Edge function of the API. It is created in us-east-1, and CloudFront replicates it to its regions. */
export class EdgeFunction extends Construct {
  readonly version: IVersion;

  constructor(scope: Construct, id: string, { config }: EdgeFunctionProps) {
    super(scope, id);
    // CloudFront's copies write to groups that Lambda names after us-east-1, in their own regions. The CDK would add a
    // group to which nothing writes.
    this.node.setContext(USE_CDK_MANAGED_LOG_GROUP, false);
    const role = new Role(this, "Role", {
      assumedBy: new CompositePrincipal(
        new ServicePrincipal("lambda.amazonaws.com"),
        new ServicePrincipal("edgelambda.amazonaws.com"),
      ),
    });
    allowLogs(role, config);
    allowStore(role, config);
    grantMasterKey(role, config);
    const lambda = new LambdaFunction(this, "Function", {
      code: bundledCode(config),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.X86_64,
      memorySize: MEMORY_MIB,
      timeout: Duration.seconds(30),
      role,
      // Replicas outlive a distribution by hours, and a function with replicas cannot be deleted: deleting the stack,
      // or rolling its first deployment back, would fail. It has no name of its own that could block another attempt.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
    lambda.applyRemovalPolicy(RemovalPolicy.RETAIN);
    this.version = lambda.currentVersion as IVersion;
  }
}

function bundledCode(config: DeploymentConfig): Code {
  return Code.fromAsset(import.meta.dirname, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never used, because the local bundler always succeeds.
      image: DockerImage.fromRegistry("none"),
      local: {
        tryBundle(folder) {
          bundleEdge(config, folder);
          return true;
        },
      },
    },
  });
}

/** Allows the function to write logs. It creates a log group in each region in which it runs. */
function allowLogs(role: Role, config: DeploymentConfig): void {
  const logGroups = edgeLogGroups(config);
  role.addToPolicy(
    new PolicyStatement({
      actions: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [logGroups],
    }),
  );
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${logGroups}]`,
    reason: "The log groups of one function, in whatever region it is asked.",
  });
}

/**
 * Grants the access that the routes of functions/api need, and no access that only workers, senders and the
 * sweeper need.
 */
function allowStore(role: Role, config: DeploymentConfig): void {
  grantFolders(role, sharedNames(config).bucket, {
    read: [
      FOLDERS.apiKeys,
      FOLDERS.modelCards,
      FOLDERS.jobs,
      FOLDERS.unfinished,
      FOLDERS.claims,
      // The signer of a URL needs the permission that the URL gives.
      FOLDERS.artifacts,
      // A remix copies the pictures of its original.
      FOLDERS.inputs,
      FOLDERS.runs,
      FOLDERS.spending,
      FOLDERS.webhookEndpoints,
      FOLDERS.triggers,
    ],
    write: [
      FOLDERS.spending,
      FOLDERS.jobs,
      FOLDERS.inputs,
      FOLDERS.unfinished,
      FOLDERS.undelivered,
      FOLDERS.claims,
      FOLDERS.webhookEndpoints,
      FOLDERS.triggers,
      FOLDERS.tenantTriggers,
    ],
    delete: [
      // A record and its marker are deleted only where the record is damaged.
      FOLDERS.jobs,
      FOLDERS.unfinished,
      FOLDERS.artifacts,
      FOLDERS.inputs,
      FOLDERS.webhookEndpoints,
      FOLDERS.triggers,
      FOLDERS.tenantTriggers,
    ],
    list: [FOLDERS.tenantTriggers],
  });
}
