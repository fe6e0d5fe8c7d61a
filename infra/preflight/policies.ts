import type { DeploymentConfig } from "../config.ts";
import { edgeLogGroups, FOLDERS, sharedNames } from "../names.ts";
import { regionsOf } from "./regions.ts";
import { grantsOf } from "./resource-grants.ts";

export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** Policy document of IAM. */
export interface Policy {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Statement[];
}

type Place = Pick<DeploymentConfig, "name" | "account" | "region">;

/** Roles that `cdk bootstrap` makes in each region, and that the command line of the CDK takes on. */
const CDK_ROLES = ["deploy", "file-publishing", "image-publishing", "lookup"];

/** Folders that `npm run keys` and `npm run models` write to. */
const WRITTEN = [FOLDERS.apiKeys, FOLDERS.models, FOLDERS.modelCards];

/** Policies by the names that `--permissions` takes. */
export const POLICIES = {
  deployer: deployerPolicy,
  cloudformation: executionPolicy,
} as const;

export type PolicyName = keyof typeof POLICIES;

/**
 * Returns what a person needs who deploys into a bootstrapped account with the commands of docs/deploy.md: the CDK's
 * roles, what preflight asks for, the edge's logs, and the bucket's folders of keys and models.
 */
function deployerPolicy(place: Place, qualifier: string): Policy {
  const { account, region } = place;
  const secret = `arn:aws:secretsmanager:${region}:${account}:secret:${sharedNames(place).masterSecret}*`;
  const regions = regionsOf(place);
  const bucket = `arn:aws:s3:::${sharedNames(place).bucket}`;
  const roles = regions.flatMap((region) =>
    CDK_ROLES.map(
      (role) => `arn:aws:iam::${account}:role/cdk-${qualifier}-${role}-role-${account}-${region}`,
    ),
  );
  const versions = regions.map(
    (region) => `arn:aws:ssm:${region}:${account}:parameter/cdk-bootstrap/${qualifier}/version`,
  );
  return policy([
    { Sid: "Deploy", ...allow(["sts:AssumeRole"], roles) },
    { Sid: "Preflight", ...allow(["ssm:GetParameter"], versions) },
    { Sid: "Queues", ...allow(["sqs:ListQueues"], ["*"]) },
    { Sid: "Regions", ...allow(["ec2:DescribeRegions", "logs:DescribeLogGroups"], ["*"]) },
    { Sid: "EdgeLogs", ...allow(["logs:PutRetentionPolicy"], [edgeLogGroups(place)]) },
    { Sid: "MasterKey", ...allow(["secretsmanager:DescribeSecret"], [secret]) },
    {
      Sid: "Quotas",
      ...allow(["servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas"], ["*"]),
    },
    { Sid: "Bucket", ...allow(["s3:ListBucket", "s3:ListBucketMultipartUploads"], [bucket]) },
    {
      Sid: "KeysAndModels",
      ...allow(
        [
          "s3:GetObject",
          "s3:PutObject",
          "s3:DeleteObject",
          "s3:AbortMultipartUpload",
          "s3:ListMultipartUploadParts",
        ],
        WRITTEN.map((folder) => `${bucket}/${folder}*`),
      ),
    },
  ]);
}

/**
 * Returns what CloudFormation needs to create, change and delete the resources of the templates, for
 * `cdk bootstrap --cloudformation-execution-policies`. By default it is an administrator.
 */
function executionPolicy(place: Place, qualifier: string): Policy {
  const assets = `arn:aws:s3:::cdk-${qualifier}-assets-${place.account}-*/*`;
  const versions = `arn:aws:ssm:*:${place.account}:parameter/cdk-bootstrap/${qualifier}/version`;
  return policy([
    allow(["s3:GetObject"], [assets]),
    allow(["ssm:GetParameters"], [versions]),
    ...grantsOf(place).map(({ actions, resources }) => allow(actions, resources)),
  ]);
}

function policy(statements: readonly Statement[]): Policy {
  return { Version: "2012-10-17", Statement: statements };
}

function allow(Action: readonly string[], Resource: readonly string[]): Statement {
  return { Effect: "Allow", Action, Resource };
}
