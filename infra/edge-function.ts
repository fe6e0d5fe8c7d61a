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
import { grantMasterKey } from "./master-key-access.ts";
import { FOLDERS, sharedNames } from "./names.ts";

export interface EdgeFunctionProps {
  readonly config: DeploymentConfig;
}

/** More memory is more of a processor too, which a cold start needs. */
const MEMORY_MIB = 1024;

/** The API as a function that CloudFront copies to its regions. Its own is us-east-1. */
export class EdgeFunction extends Construct {
  readonly version: IVersion;

  constructor(scope: Construct, id: string, { config }: EdgeFunctionProps) {
    super(scope, id);
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
      // Copies outlive a distribution by hours, and what has copies cannot be deleted: that would fail the stack.
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
      // Never asked, since esbuild is here.
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

/** Each region in which the function runs has a log group of it, made by the function itself. */
function allowLogs(role: Role, { name, account }: DeploymentConfig): void {
  // The function's own name, which begins with the stack's, would be a circle: the function waits for its role.
  const logGroups = `arn:aws:logs:*:${account}:log-group:/aws/lambda/us-east-1.${name}-*`;
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

/** What the routes of functions/api do to the store, and nothing that workers, senders and the sweeper do. */
function allowStore(role: Role, config: DeploymentConfig): void {
  grantFolders(role, sharedNames(config).bucket, {
    read: [
      FOLDERS.apiKeys,
      FOLDERS.modelCards,
      FOLDERS.jobs,
      FOLDERS.unfinished,
      FOLDERS.claims,
      // Whoever signs a URL must be allowed what it allows.
      FOLDERS.artifacts,
      FOLDERS.webhookEndpoints,
      FOLDERS.triggers,
    ],
    write: [
      FOLDERS.jobs,
      FOLDERS.unfinished,
      FOLDERS.undelivered,
      FOLDERS.claims,
      FOLDERS.webhookEndpoints,
      FOLDERS.triggers,
      FOLDERS.tenantTriggers,
    ],
    delete: [
      FOLDERS.unfinished,
      FOLDERS.artifacts,
      FOLDERS.webhookEndpoints,
      FOLDERS.triggers,
      FOLDERS.tenantTriggers,
    ],
    list: [FOLDERS.tenantTriggers],
  });
}
