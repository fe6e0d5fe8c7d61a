import { STSClient } from "@aws-sdk/client-sts";
import { type DeploymentConfig, parseDeployment } from "../config.ts";
import { bootstrap } from "./bootstrap.ts";
import { login } from "./credentials.ts";
import { type Finding, unknown } from "./finding.ts";
import { image, inferenceAmi } from "./image.ts";
import { storedModel } from "./model.ts";
import { nodeVersion } from "./node-version.ts";
import { endpointQuotas } from "./quotas.ts";

type Context = Readonly<Record<string, unknown>>;
type Check = readonly [subject: string, finding: Finding | Promise<Finding>];

/** Lets everything else of a configuration be checked while nobody is logged in. */
const NO_ACCOUNT = "000000000000";
/** Where CloudFront takes its functions from. */
const EDGE_REGION = "us-east-1";

/**
 * What would keep a deployment of this context from succeeding, check by check; they are made at once.
 *
 * @throws DeploymentError
 */
export async function preflight(context: Context, env: NodeJS.ProcessEnv): Promise<readonly Check[]> {
  const region = await regionOf(env);
  const config = parseDeployment(context, { CDK_DEFAULT_ACCOUNT: NO_ACCOUNT, CDK_DEFAULT_REGION: region });
  const expected = config.account === NO_ACCOUNT ? null : config.account;
  const { finding, account } = await login(config.region, expected);
  return [
    ["Node.js", nodeVersion(process.versions.node)],
    ["credentials", finding],
    ...(account === null ? notAsked(config) : inAccount({ ...config, account }, context)),
    ["image", image(config, env)],
    ["AMI", inferenceAmi(config)],
  ];
}

function inAccount(config: DeploymentConfig, context: Context): Check[] {
  const { account, instanceTypes } = config;
  const qualifier = String(context["@aws-cdk/core:bootstrapQualifier"] ?? "hnb659fds");
  const stored = storedModel(config);
  const quotas = endpointQuotas(config);
  return [
    ...regionsOf(config).map(
      (region): Check => [`CDK in ${region}`, bootstrap({ account, region, qualifier })],
    ),
    ...instanceTypes.map((type, index): Check => [type, quotas[index]!]),
    ["bucket", stored.bucket],
    ["model", stored.model],
  ];
}

function notAsked(config: DeploymentConfig): Check[] {
  const subjects = [...regionsOf(config).map((region) => `CDK in ${region}`), ...config.instanceTypes];
  return [...subjects, "bucket", "model"].map((subject) => [
    subject,
    unknown("Not asked about: see credentials."),
  ]);
}

function regionsOf({ region }: DeploymentConfig): string[] {
  return [...new Set([region, EDGE_REGION])];
}

/** As the CDK's command line finds it: the environment, and then the profile. */
async function regionOf(env: NodeJS.ProcessEnv): Promise<string> {
  const named = env.CDK_DEFAULT_REGION || env.AWS_REGION || env.AWS_DEFAULT_REGION;
  if (named) return named;
  try {
    return await new STSClient({}).config.region();
  } catch (error) {
    if ((error as Error).message === "Region is missing") return EDGE_REGION;
    throw error;
  }
}
