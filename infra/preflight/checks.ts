import { STSClient } from "@aws-sdk/client-sts";
import { ecsChecks } from "../backends/ecs/checks.ts";
import { sageMakerChecks } from "../backends/sagemaker/checks.ts";
import { type BackendName, type DeploymentConfig, parseDeployment } from "../config.ts";
import { quoteSettings } from "../quote-settings.ts";
import type { BackendChecks, Check } from "./backend-checks.ts";
import { bootstrap } from "./bootstrap.ts";
import { buildQuota } from "./build-quota.ts";
import { login } from "./credentials.ts";
import { masterKey } from "./data-stack.ts";
import { type Finding, notMade, ok, unknown } from "./finding.ts";
import { storedModel } from "./model.ts";
import { nodeVersion } from "./node-version.ts";
import { POLICIES, type Policy, type PolicyName } from "./policies.ts";
import { EDGE_REGION, regionsOf } from "./regions.ts";

type Context = Readonly<Record<string, unknown>>;

const BACKEND_CHECKS: Readonly<Record<BackendName, BackendChecks>> = {
  sagemaker: sageMakerChecks,
  ecs: ecsChecks,
};

/** Placeholder account, so that the rest of a configuration can be checked without credentials. */
const NO_ACCOUNT = "000000000000";

/**
 * Checks whether a deployment of this context would succeed. The checks run concurrently.
 *
 * @throws DeploymentError if the context is invalid
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
    ...BACKEND_CHECKS[config.backend].onMachine(config, env),
    ["price", price(config)],
  ];
}

/**
 * Returns a policy for the deployment of this context, in the account that it names or that the credentials belong to.
 *
 * @throws DeploymentError if the context is invalid, or the account is unknown
 */
export async function policyFor(name: PolicyName, context: Context, env: NodeJS.ProcessEnv): Promise<Policy> {
  const region = await regionOf(env);
  const account = context.account === undefined ? (await login(region, null)).account : null;
  const config = parseDeployment(context, {
    CDK_DEFAULT_ACCOUNT: account ?? undefined,
    CDK_DEFAULT_REGION: region,
  });
  return POLICIES[name](config, qualifierIn(context));
}

function qualifierIn(context: Context): string {
  return String(context["@aws-cdk/core:bootstrapQualifier"] ?? "hnb659fds");
}

function inAccount(config: DeploymentConfig, context: Context): Check[] {
  const { account } = config;
  const backend = BACKEND_CHECKS[config.backend];
  const qualifier = qualifierIn(context);
  const regions = regionsOf(config);
  const stored = storedModel(config);
  const findings = backend.inAccount(config, stored);
  return [
    ...regions.map(
      (region): Check => [`CDK in ${region}`, bootstrap(region, { account, regions, qualifier })],
    ),
    ...backend.subjects(config).map((subject, index): Check => [subject, findings[index]!]),
    ...buildSubjects(config).map((subject): Check => [subject, buildQuota(config)]),
    ["bucket", stored.bucket],
    ["master key", masterKey(config)],
    ["model", stored.model],
  ];
}

function notAsked(config: DeploymentConfig): Check[] {
  const own = BACKEND_CHECKS[config.backend].subjects(config);
  const subjects = [
    ...regionsOf(config).map((region) => `CDK in ${region}`),
    ...own,
    ...buildSubjects(config),
    "bucket",
    "master key",
    "model",
  ];
  return subjects.map((subject) => [subject, notMade({ kind: "login" })]);
}

/** Reports on the price that quotes rest on. Price lists of other regions than us-east-1 are not known here. */
function price(config: DeploymentConfig): Finding {
  const { usdPerHour, source } = quoteSettings(config).price;
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 3 };
  const price = `$${usdPerHour.toLocaleString("en-US", digits)} an hour`;
  if (source === "setting") return ok(`Quotes reckon with ${price}.`);
  if (config.region === EDGE_REGION) return ok(`Quotes reckon with the list price, ${price}.`);
  return unknown(
    `Quotes reckon with ${price}, the list price of ${EDGE_REGION}; say -c pricePerHour= with that of ` +
      `${config.region}.`,
  );
}

/** Returns the name of the check of CodeBuild, for a deployment that needs it. */
function buildSubjects({ image }: DeploymentConfig): string[] {
  return image.from === "codebuild" ? ["CodeBuild"] : [];
}

/** Returns the region that the CDK's command line would use: from the environment, else from the profile. */
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
