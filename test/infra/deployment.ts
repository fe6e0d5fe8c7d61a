import { readFileSync } from "node:fs";
import { App, Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { parseDeployment } from "../../infra/config.ts";
import { Service } from "../../infra/service.ts";
import { type Mutant, mutated } from "./mutants.ts";

export const ACCOUNT = "123456789012";

/** Existing image, so that no folder has to be hashed. */
export const IMAGE = `${ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/adareel@sha256:${"0".repeat(64)}`;

/** Options of a deployment that uses every setting that adds something. */
export const EVERYTHING = {
  name: "films",
  region: "ap-southeast-2",
  model: "open-sora",
  instanceTypes: "ml.g6e.2xlarge,ml.g6e.4xlarge,ml.p5.4xlarge",
  instancesMax: "4",
  idleMinutes: "15",
  imageUri: undefined,
  build: "codebuild",
  retentionDays: "7",
  undeleteDays: "14",
  unfinishedMax: "500",
  waf: "true",
  domainName: "films.example.com",
  certificateArn: `arn:aws:acm:us-east-1:${ACCOUNT}:certificate/0123abcd`,
  alarmEmail: "ops@example.com",
  monthlyBudgetUsd: "200",
  terminationProtection: "false",
} as const;

/** Options of deployments that have every kind of resource between them, by what they are. */
export const DEPLOYMENTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  default: { imageUri: undefined },
  everything: EVERYTHING,
  "no GPU": { instanceTypes: "ml.m5.xlarge" },
  "on ECS": { backend: "ecs", imageUri: undefined },
  "everything on ECS": {
    ...EVERYTHING,
    backend: "ecs",
    spot: "true",
    instanceTypes: "g6e.2xlarge,g6e.4xlarge",
  },
};

const { context } = JSON.parse(readFileSync("cdk.json", "utf8"));

/** Creates the app like `infra/app.ts` from these `-c` options, without bundling. */
export function deploymentApp(options: Readonly<Record<string, unknown>> = {}) {
  const given = { account: ACCOUNT, region: "eu-central-1", imageUri: IMAGE, ...options };
  const config = parseDeployment(given, {});
  const app = new App({ context: { ...context, "aws:cdk:bundling-stacks": [] } });
  const service = new Service(app, config);
  return { app, config, service };
}

/** Deployments that templates were taken of, by their options: a service synthesises all its stacks at once. */
const services = new Map<string, Service>();

function serviceOf(options: Readonly<Record<string, unknown>>): Service {
  // An option that is undefined takes away one that deploymentApp gives, and JSON would leave it out.
  const key = JSON.stringify(options, (_, value) => value ?? null);
  const service = services.get(key) ?? deploymentApp(options).service;
  services.set(key, service);
  return service;
}

/** Fault that the templates have for a moment. */
let mutant: Mutant | null = null;

/** Has the templates show a fault, or be as they are. */
export function mutate(by: Mutant | null): void {
  mutant = by;
}

/** Returns the template of a stack. */
export function synthesized(stack: Stack): Template {
  const template = Template.fromStack(stack);
  return mutant ? Template.fromJSON(mutated(template.toJSON(), mutant)) : template;
}

/** Returns the template of one stack: `data`, `gpu` or `edge`. */
export function templateOf(stack: string, options: Readonly<Record<string, unknown>> = {}): Template {
  return synthesized(serviceOf(options).node.findChild(stack) as Stack);
}

/** Returns the stacks of a deployment, in the order in which they are made. */
export function stacksOf(options: Readonly<Record<string, unknown>>): Stack[] {
  return serviceOf(options).node.children.filter(Stack.isStack);
}

/** Matches the policy of a topic to which a service of AWS may publish, for this account alone. */
export function allowsToPublish(service: unknown) {
  return {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Effect: "Allow",
          Action: "sns:Publish",
          Principal: { Service: service },
          Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } },
        }),
      ]),
    },
  };
}
