import { RegionInfo } from "aws-cdk-lib/region-info";
import * as z from "zod";
import { nearest, oneOf } from "../lib/shared/sentences/index.ts";
import { faultOfTypes, typesOf } from "./backends/instance-types.ts";
import { BACKEND_NAMES, type BackendName } from "./backends/names.ts";
import { INFERENCE_AMIS, type InferenceAmi } from "./backends/sagemaker/inference-amis.ts";

/** Settings of a deployment. Each comment ends with the default. */
export interface DeploymentConfig {
  /** Prefix of the names of stacks, bucket and endpoint; `adareel`. */
  readonly name: string;
  /** AWS account, twelve digits; the account of the credentials. */
  readonly account: string;
  /** Region where videos are made and kept; that of the credentials, or us-east-1. */
  readonly region: string;
  /** Name of a model that `npm run models -- push` has put into the bucket; `demo`. */
  readonly model: string;
  /** GPU backend that runs the jobs, `sagemaker` or `ecs`; `sagemaker`. */
  readonly backend: BackendName;
  /**
   * Instance types, at most five. SageMaker takes the first with capacity, ECS the cheapest.
   * `ml.g6e.2xlarge,ml.g6e.4xlarge`, and for ECS the same without `ml.`.
   */
  readonly instanceTypes: readonly [string, ...string[]];
  /** Maximum number of instances at once; 1. */
  readonly instancesMax: number;
  /** Way to add instances: as many as the waiting jobs need (`backlog`), or one by one (`steady`); backlog. */
  readonly scaling: (typeof SCALINGS)[number];
  /** Minutes without a job before scaling to zero, 3 to 60: the sweeper reports jobs only every 2; 5. */
  readonly idleMinutes: number;
  /** Source of the GPU function's image: built by local Docker, by CodeBuild, or an existing URI; local Docker. */
  readonly image: { readonly from: "docker" | "codebuild" } | { readonly from: "uri"; readonly uri: string };
  /** Uses Spot instances, which cost less and may be taken away at any time; ECS only; false. */
  readonly spot: boolean;
  /** VPC that exists, and subnets of it in which the instances are; ECS only; null, for a network of their own. */
  readonly network: Subnets | null;
  /**
   * AMI of the instances, whose driver must support the image's CUDA; SageMaker only;
   * `al2023-ami-sagemaker-inference-gpu-4-1`.
   */
  readonly inferenceAmi: InferenceAmi;
  /** Number of days that videos and their jobs are kept; 30. */
  readonly retentionDays: number;
  /** Days for which deleted and overwritten objects can be brought back, at the price of their storage; 0. */
  readonly undeleteDays: number;
  /** Maximum number of queued and running videos of one API key; 100. */
  readonly unfinishedMax: number;
  /**
   * Receivers of webhooks that are sent to at once, 2 to 1000, two of them of one tenant at most. More than 3 need
   * a quota of Lambda's concurrency above the 10 of a new account; 3.
   */
  readonly sendersMax: number;
  /**
   * US dollars of an instance for an hour, 0.001 to 1000, by which quotes and the spending of keys are reckoned; the
   * list price of the instance types in us-east-1.
   */
  readonly pricePerHour: number | null;
  /** Marks and signatures of videos: `signed`, `required`, `mark` or `off`; signed. */
  readonly provenance: (typeof PROVENANCE_MODES)[number];
  /**
   * Secret in AWS Secrets Manager with the certificate and the key that sign videos; null, for a development
   * certificate of each container.
   */
  readonly provenanceSecret: string | null;
  /** Puts AWS WAF in front of the API, for about 8 dollars a month; false. */
  readonly waf: boolean;
  /** Custom domain of the API with its certificate in us-east-1, or null for CloudFront's own domain; null. */
  readonly domain: { readonly name: string; readonly certificateArn: string } | null;
  /** Email address that alarms are sent to; null. */
  readonly alarmEmail: string | null;
  /** US dollars a month; alarms are told when the account's bill passes 80 and 100 % of it, or will; null. */
  readonly monthlyBudgetUsd: number | null;
  /** Protects the bucket's stack from `cdk destroy` until it is switched off; true. */
  readonly terminationProtection: boolean;
}

/** Subnets of one VPC. */
export interface Subnets {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
}

/**
 * Allowed minutes without a job before scaling to zero. The sweep reports jobs every other minute, so a shorter window
 * could remove an instance that is running a job.
 */
export const IDLE_MINUTES = { least: 3, most: 60 } as const;

/** Ways to add instances, the default first. */
export const SCALINGS = ["backlog", "steady"] as const;

export type Scaling = (typeof SCALINGS)[number];

const PROVENANCE_MODES = ["signed", "required", "mark", "off"] as const;

export type { BackendName } from "./backends/names.ts";

/** Error for an invalid configuration; the message is one sentence that says what to change. */
export class DeploymentError extends Error {
  override readonly name = "DeploymentError";
}

/** Returns a setting as text, as the command line passes it; "" for lists and objects, which no setting is. */
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
const price = (least: number, most: number) => {
  const error = `must be a number of US dollars from ${least} to ${most}`;
  return z.preprocess(
    (value) => (/^\d{1,4}(\.\d{1,6})?$/.test(textOf(value)) ? Number(value) : null),
    z.number({ error }).min(least, { error }).max(most, { error }),
  );
};

/** Returns the items of a setting that lists them with commas between; any other value as it is. */
const itemsOf = (value: unknown) =>
  typeof value === "string" ? value.split(",").map((name) => name.trim()) : value;
const matching = (pattern: RegExp, rule: string) => z.string({ error: rule }).regex(pattern, { error: rule });

/** Digits of an example of an id in EC2. */
const ID = "0123456789abcdef0";
const SUBNETS = `must be subnets such as subnet-${ID}, with commas between them`;

/** Beginnings that the names of buckets may not have. */
const BUCKET_BEGINNINGS = ["xn--", "sthree-", "amzn-s3-demo-"];

/** Beginnings that the names of ECS's capacity providers may not have, which come from that of their stack. */
const PROVIDER_BEGINNINGS = ["aws", "ecs", "fargate"];

const begins = (name: string, beginnings: readonly string[]) =>
  beginnings.some((beginning) => name.startsWith(beginning));

const context = z.strictObject({
  name: matching(
    /^[a-z][a-z0-9-]{0,19}$/,
    "must have up to 20 lower-case letters, digits and dashes, and begin with a letter",
  )
    .refine((name) => !begins(name, BUCKET_BEGINNINGS), {
      error: `must not begin with ${oneOf(BUCKET_BEGINNINGS)}, as no bucket may`,
    })
    .default("adareel"),
  account: matching(/^\d{12}$/, "must be the twelve digits of an AWS account").optional(),
  region: matching(/^[a-z0-9-]+$/, "must be a region such as eu-central-1").optional(),
  model: matching(
    /^[a-z0-9][a-z0-9._-]{0,62}$/,
    "must be the name by which a model was pushed, such as demo or latte-1",
  ).default("demo"),
  backend: z.enum(BACKEND_NAMES, { error: `must be ${BACKEND_NAMES.join(" or ")}` }).default("sagemaker"),
  instanceTypes: z.preprocess(
    itemsOf,
    z
      .array(z.string().min(1, { error: "must name a type" }))
      .min(1, { error: "must name a type" })
      .max(5, { error: "may name at most five types" })
      .refine((types) => new Set(types).size === types.length, { error: "must not name a type twice" })
      .optional(),
  ),
  instancesMax: whole(1, 100).default(1),
  scaling: z.enum(SCALINGS, { error: `must be ${SCALINGS.join(" or ")}` }).optional(),
  idleMinutes: whole(IDLE_MINUTES.least, IDLE_MINUTES.most).default(5),
  imageUri: matching(
    /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com\/[^\s:@]+([:@][^\s]+)$/,
    "must be an image in Amazon ECR such as 123456789012.dkr.ecr.eu-central-1.amazonaws.com/adareel:1",
  ).optional(),
  build: z.enum(["docker", "codebuild"], { error: "must be docker or codebuild" }).optional(),
  inferenceAmi: z.enum(INFERENCE_AMIS, { error: `must be ${INFERENCE_AMIS.join(" or ")}` }).optional(),
  spot: flag.optional(),
  vpcId: matching(/^vpc-([0-9a-f]{8}|[0-9a-f]{17})$/, `must be a VPC such as vpc-${ID}`).optional(),
  subnetIds: z.preprocess(
    itemsOf,
    z
      .array(matching(/^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/, SUBNETS), { error: SUBNETS })
      .min(1, { error: SUBNETS })
      .refine((ids) => new Set(ids).size === ids.length, { error: "must not name a subnet twice" })
      .optional(),
  ),
  retentionDays: whole(1, 3650).default(30),
  undeleteDays: whole(0, 365).default(0),
  unfinishedMax: whole(1, 1000).default(100),
  sendersMax: whole(2, 1000).default(3),
  pricePerHour: price(0.001, 1000).optional(),
  provenance: z.enum(PROVENANCE_MODES, { error: "must be signed, required, mark or off" }).default("signed"),
  provenanceSecret: matching(
    /^[A-Za-z0-9/_+=.@-]{1,256}$/,
    "must be the name of a secret, not its ARN",
  ).optional(),
  waf: flag.default(false),
  domainName: matching(
    /^([a-z0-9-]+\.)+([a-z]{2,}|xn--[a-z0-9-]+)$/,
    "must be a domain name such as videos.example.com",
  ).optional(),
  certificateArn: matching(
    /^arn:aws:acm:us-east-1:\d{12}:certificate\/[0-9a-f-]+$/,
    "must be the ARN of a certificate in us-east-1, such as arn:aws:acm:us-east-1:123456789012:certificate/0123abcd-4567",
  ).optional(),
  alarmEmail: z.email({ error: "must be an e-mail address" }).optional(),
  monthlyBudgetUsd: whole(1, 999_999).optional(),
  terminationProtection: flag.default(true),
});

/** Characters in the names of context values that the CDK and its libraries add; no setting has one of them. */
const FOREIGN = /[@:/]/;

/**
 * Parses the configuration of a deployment from the CDK's context: `cdk.json` and `-c name=value`.
 *
 * @param env environment, where the CDK's command line puts the account and the region of the credentials
 * @throws DeploymentError that names the first invalid value
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
  checkRegion(region);
  if (imageUri && build)
    throw new DeploymentError("imageUri and build exclude each other: give one of them.");
  if (rest.backend === "ecs" && begins(rest.name, PROVIDER_BEGINNINGS))
    throw new DeploymentError(
      `-c name must not begin with ${oneOf(PROVIDER_BEGINNINGS)} with backend=ecs, as no capacity provider may.`,
    );
  if (!domainName !== !certificateArn)
    throw new DeploymentError("domainName and certificateArn belong together: give both or neither.");
  return {
    ...rest,
    account,
    region,
    ...backendSettings(rest),
    image: imageUri ? { from: "uri", uri: imageUri } : { from: build ?? "docker" },
    domain: domainName && certificateArn ? { name: domainName, certificateArn } : null,
    provenanceSecret: rest.provenanceSecret ?? null,
    alarmEmail: rest.alarmEmail ?? null,
    pricePerHour: rest.pricePerHour ?? null,
    monthlyBudgetUsd: rest.monthlyBudgetUsd ?? null,
  };
}

/** Throws a DeploymentError for a region that the CDK does not know, or that has no Lambda@Edge. */
function checkRegion(region: string): void {
  const { partition } = RegionInfo.get(region);
  if (partition === "aws") return;
  if (partition)
    throw new DeploymentError(
      `There is no Lambda@Edge for ${region} (${partition}): choose a region of the aws partition.`,
    );
  const meant = nearest(
    region,
    RegionInfo.regions.filter((known) => known.partition === "aws").map(({ name }) => name),
  );
  const advice = meant ? `did you mean ${meant}?` : "choose a region of AWS such as eu-central-1.";
  throw new DeploymentError(`There is no region ${region}: ${advice}`);
}

const DEFAULT_TYPES: Readonly<Record<BackendName, readonly string[]>> = {
  sagemaker: ["ml.g6e.2xlarge", "ml.g6e.4xlarge"],
  ecs: ["g6e.2xlarge", "g6e.4xlarge"],
};

/** Settings that one backend alone has, and why the other has none. */
const OWN_SETTINGS = {
  spot: ["ecs", "SageMaker's endpoints have no Spot instances"],
  vpcId: ["ecs", "SageMaker's endpoints need no network of yours"],
  subnetIds: ["ecs", "SageMaker's endpoints need no network of yours"],
  inferenceAmi: ["sagemaker", "ECS chooses the AMI itself"],
  scaling: ["sagemaker", "ECS scales by the jobs that wait"],
} as const satisfies Partial<Record<keyof typeof context.shape, readonly [BackendName, string]>>;

type BackendSettings = Pick<z.infer<typeof context>, "backend" | "instanceTypes" | keyof typeof OWN_SETTINGS>;

/** Returns the settings that depend on the backend. */
function backendSettings(
  given: BackendSettings,
): Pick<DeploymentConfig, "instanceTypes" | "inferenceAmi" | "spot" | "scaling" | "network"> {
  const { backend, inferenceAmi, spot, scaling, vpcId, subnetIds } = given;
  for (const [name, [owner, reason]] of Object.entries(OWN_SETTINGS))
    if (given[name as keyof typeof OWN_SETTINGS] !== undefined && backend !== owner)
      throw new DeploymentError(`Leave out ${name}, or say -c backend=${owner}: ${reason}.`);
  if (!vpcId !== !subnetIds)
    throw new DeploymentError("vpcId and subnetIds belong together: give both or neither.");
  return {
    instanceTypes: instanceTypesOf(given),
    inferenceAmi: inferenceAmi ?? INFERENCE_AMIS[0],
    spot: spot ?? false,
    scaling: scaling ?? SCALINGS[0],
    network: vpcId && subnetIds ? { vpcId, subnetIds } : null,
  };
}

/** Returns the instance types of a deployment, all of which its backend offers. */
function instanceTypesOf({
  backend,
  instanceTypes: given,
}: Pick<BackendSettings, "backend" | "instanceTypes">): DeploymentConfig["instanceTypes"] {
  const instanceTypes = (given ?? DEFAULT_TYPES[backend]) as [string, ...string[]];
  const fault = faultOfTypes({ backend, instanceTypes }, "-c instanceTypes=");
  if (fault !== null) throw new DeploymentError(fault);
  const isGpu = typesOf({ backend, instanceTypes }).map(({ gpu }) => gpu !== null);
  if (new Set(isGpu).size > 1)
    throw new DeploymentError("instanceTypes must all have a GPU, or all have none.");
  return instanceTypes;
}

function faultIn(error: z.ZodError): string {
  const issue = error.issues[0]!;
  if (issue.code !== "unrecognized_keys") return `-c ${String(issue.path[0])} ${issue.message}.`;
  const [given] = issue.keys;
  const names = Object.keys(context.shape);
  const meant = nearest(given!, names);
  return `There is no setting ${given}: ${meant ? `did you mean ${meant}?` : `choose from ${names.join(", ")}.`}`;
}
