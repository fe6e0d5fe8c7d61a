import { RegionInfo } from "aws-cdk-lib/region-info";
import * as z from "zod";
import { INFERENCE_AMIS, type InferenceAmi } from "./backends/sagemaker/inference-amis.ts";
import { INSTANCE_TYPES } from "./backends/sagemaker/instance-types.ts";

/** Everything that can be chosen about a deployment. */
export interface DeploymentConfig {
  /** Begins the names of stacks, bucket and endpoint; `adareel`. */
  readonly name: string;
  /** Twelve digits; the account of the credentials. */
  readonly account: string;
  /** Where videos are made and kept; the region of the credentials, or else us-east-1. The edge is everywhere. */
  readonly region: string;
  /** A model that `npm run models -- push` has put into the bucket; `demo`. */
  readonly model: string;
  /** GPU backend that runs the jobs; `sagemaker`. */
  readonly backend: BackendName;
  /** What to run on, the first that can be had: at most five. `ml.g6e.2xlarge,ml.g6e.4xlarge`. */
  readonly instanceTypes: readonly [string, ...string[]];
  /** Instances at once; 1. */
  readonly instancesMax: number;
  /** Minutes without a job before the last instance goes, from 3 to 60, since the sweeper tells of jobs every 2; 5. */
  readonly idleMinutes: number;
  /** The image of the GPU function: built by this machine's Docker, by CodeBuild in the account, or there already. */
  readonly image: { readonly from: "docker" | "codebuild" } | { readonly from: "uri"; readonly uri: string };
  /** What the instances boot: its driver must be as new as the image's CUDA. */
  readonly inferenceAmi: InferenceAmi;
  /** Days that videos and their jobs are kept; 30. */
  readonly retentionDays: number;
  /** Queued and running videos of one API key; 100. */
  readonly unfinishedMax: number;
  /** AWS WAF before the API, for about 8 dollars a month; false. */
  readonly waf: boolean;
  /** A name of your own for the API, with a certificate in us-east-1 for it; else it has one of CloudFront's. */
  readonly domain: { readonly name: string; readonly certificateArn: string } | null;
  /** Who is told of alarms; nobody. */
  readonly alarmEmail: string | null;
  /** Keeps a `cdk destroy` from the bucket's stack until it is switched off; true. */
  readonly terminationProtection: boolean;
}

/** GPU backends that a deployment may choose. */
const BACKEND_NAMES = ["sagemaker"] as const;

export type BackendName = (typeof BACKEND_NAMES)[number];

/** The deployment cannot be as it was asked for; the message is one sentence that says what to change. */
export class DeploymentError extends Error {
  override readonly name = "DeploymentError";
}

/** A setting as the command line gives it; "" for lists and objects, of which none has a text that can be meant. */
const textOf = (value: unknown) => (typeof value === "object" ? "" : String(value));

const flag = z.preprocess(
  (value) => ({ true: true, false: false })[textOf(value)],
  z.boolean({ error: "must be true or false" }),
);
const whole = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.preprocess(
    (value) => (/^\d{1,6}$/.test(textOf(value)) ? Number(value) : null),
    z.int({ error }).min(least, { error }).max(most, { error }),
  );
};
const matching = (pattern: RegExp, rule: string) => z.string({ error: rule }).regex(pattern, { error: rule });

const context = z.strictObject({
  name: matching(/^[a-z][a-z0-9-]{0,19}$/, "must be up to 20 lower-case letters, digits and dashes").default(
    "adareel",
  ),
  account: matching(/^\d{12}$/, "must be the twelve digits of an AWS account").optional(),
  region: matching(/^[a-z]{2}(-[a-z]+)+-\d$/, "must be a region such as eu-central-1").optional(),
  model: matching(/^[a-z0-9][a-z0-9._-]{0,62}$/, "must be the name of a model that was pushed").default(
    "demo",
  ),
  backend: z.enum(BACKEND_NAMES, { error: `must be ${BACKEND_NAMES.join(" or ")}` }).default("sagemaker"),
  instanceTypes: z.preprocess(
    (value) => (typeof value === "string" ? value.split(",").map((name) => name.trim()) : value),
    z
      .array(
        z.enum(Object.keys(INSTANCE_TYPES), { error: `may name ${Object.keys(INSTANCE_TYPES).join(", ")}` }),
      )
      .min(1, { error: "must name a type" })
      .max(5, { error: "may name five types" })
      .default(["ml.g6e.2xlarge", "ml.g6e.4xlarge"]),
  ),
  instancesMax: whole(1, 100).default(1),
  idleMinutes: whole(3, 60).default(5),
  imageUri: matching(
    /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com\/[^\s:@]+([:@][^\s]+)$/,
    "must be an image in Amazon ECR, with its tag or digest",
  ).optional(),
  build: z.enum(["docker", "codebuild"], { error: "must be docker or codebuild" }).optional(),
  inferenceAmi: z
    .enum(Object.keys(INFERENCE_AMIS) as [InferenceAmi], {
      error: `must be one of ${Object.keys(INFERENCE_AMIS).join(", ")}`,
    })
    .default("al2023-ami-sagemaker-inference-gpu-4-1"),
  retentionDays: whole(1, 3650).default(30),
  unfinishedMax: whole(1, 1000).default(100),
  waf: flag.default(false),
  domainName: matching(/^([a-z0-9-]+\.)+[a-z]{2,}$/, "must be a domain name").optional(),
  certificateArn: matching(
    /^arn:aws:acm:us-east-1:\d{12}:certificate\/[0-9a-f-]+$/,
    "must be the ARN of a certificate in us-east-1",
  ).optional(),
  alarmEmail: z.email({ error: "must be an e-mail address" }).optional(),
  terminationProtection: flag.default(true),
});

/** Context that the CDK and its libraries put there, all of it with one of these in its name. */
const FOREIGN = /[@:/]/;

/**
 * The deployment that the CDK's context asks for: what `cdk.json` and `-c name=value` say.
 *
 * @param env for the account and the region of the credentials, which the CDK's command line puts there
 * @throws DeploymentError naming the first value that cannot be used
 */
export function parseDeployment(
  values: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): DeploymentConfig {
  const own = Object.fromEntries(Object.entries(values).filter(([name]) => !FOREIGN.test(name)));
  const parsed = context.safeParse(own);
  if (!parsed.success) throw new DeploymentError(faultIn(parsed.error));
  const {
    account = env.CDK_DEFAULT_ACCOUNT,
    imageUri,
    build,
    domainName,
    certificateArn,
    ...rest
  } = parsed.data;
  if (!account) throw new DeploymentError("No AWS account is known: log in, or say -c account=123456789012.");
  const region = rest.region ?? (env.CDK_DEFAULT_REGION || "us-east-1");
  const { partition } = RegionInfo.get(region);
  if (partition !== "aws")
    throw new DeploymentError(
      `There is no Lambda@Edge for ${region}${partition ? ` (${partition})` : ""}: choose a region of the aws partition.`,
    );
  if (imageUri && build)
    throw new DeploymentError("imageUri and build exclude each other: give one of them.");
  if (!domainName !== !certificateArn)
    throw new DeploymentError("domainName and certificateArn belong together: give both or neither.");
  const instanceTypes = rest.instanceTypes as [string, ...string[]];
  const isGpu = instanceTypes.map((type) => INSTANCE_TYPES[type]!.gpu !== null);
  if (new Set(isGpu).size > 1)
    throw new DeploymentError(
      "instanceTypes: types with a GPU and without one cannot stand in for each other.",
    );
  return {
    ...rest,
    account,
    region,
    instanceTypes,
    image: imageUri ? { from: "uri", uri: imageUri } : { from: build ?? "docker" },
    domain: domainName && certificateArn ? { name: domainName, certificateArn } : null,
    alarmEmail: rest.alarmEmail ?? null,
  };
}

function faultIn(error: z.ZodError): string {
  const issue = error.issues[0]!;
  if (issue.code !== "unrecognized_keys") return `-c ${String(issue.path[0])} ${issue.message}.`;
  return `There is no setting ${issue.keys[0]}: there are ${Object.keys(context.shape).join(", ")}.`;
}
