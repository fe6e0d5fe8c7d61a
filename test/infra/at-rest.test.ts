import type { Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import type { BackendName, Scaling } from "../../infra/config.ts";
import { BACKENDS } from "../../tools/plan/backends/index.ts";
import { templateOf } from "./deployment.ts";
import { permissionsOf } from "./policies.ts";

const STACKS = ["data", "gpu", "edge"] as const;

/** Types that cost something while there is no job, each of which is in the bill of an idle month. */
const BILLED = [
  "AWS::CloudWatch::Alarm",
  "AWS::Lambda::EventSourceMapping",
  "AWS::Scheduler::Schedule",
  "AWS::SecretsManager::Secret",
  // The first three of an account cost nothing, and the bill says what others do.
  "AWS::CloudWatch::Dashboard",
];

/** Services whose types cost by use alone, or nothing. */
const FREE_SERVICES = "ApplicationAutoScaling CloudFront ECS IAM Lambda Logs S3 SNS SQS SageMaker".split(" ");

/** Types of a network that cost nothing. A gateway for private subnets is another one, and billed by the hour. */
const FREE_NETWORK = [
  ...["InternetGateway", "Route", "RouteTable", "SecurityGroup", "Subnet", "SubnetRouteTableAssociation"],
  ...["VPC", "VPCEndpoint", "VPCGatewayAttachment"],
];

function isFree(type: string): boolean {
  const [, service, kind] = type.split("::") as [string, string, string];
  return FREE_SERVICES.includes(service) || (service === "EC2" && FREE_NETWORK.includes(kind));
}

const SETTINGS: readonly [BackendName, number, Scaling][] = [
  ["sagemaker", 1, "backlog"],
  ["sagemaker", 4, "backlog"],
  ["sagemaker", 4, "steady"],
  ["ecs", 1, "backlog"],
  ["ecs", 4, "backlog"],
];

function templatesOf([backend, instancesMax, scaling]: (typeof SETTINGS)[number]): Template[] {
  const options = {
    backend,
    instancesMax: String(instancesMax),
    ...(backend === "sagemaker" && { scaling }),
  };
  return STACKS.map((stack) => templateOf(stack, options));
}

const found = (templates: readonly Template[], type: string) =>
  templates.flatMap((template) => Object.values(template.findResources(type)));

describe.each(SETTINGS)("a deployment at rest with %s, %i instances at most and %s", (...setting) => {
  const [backend, instancesMax, scaling] = setting;
  const templates = templatesOf(setting);
  const atRest = BACKENDS[backend].atRest({ instancesMax, scaling });

  it("the alarms have as many metrics as the bill of an idle month counts", () => {
    const counts = found(templates, "AWS::CloudWatch::Alarm").map(({ Properties: { Metrics } }) =>
      Metrics ? Metrics.filter((metric: object) => "MetricStat" in metric).length : 1,
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(atRest.alarmMetrics);
  });

  it("functions poll as many queues as the bill of an idle month counts", () => {
    expect(found(templates, "AWS::Lambda::EventSourceMapping")).toHaveLength(atRest.queues);
  });

  it("the sweep asks the backend's queue if the bill of an idle month counts its requests", () => {
    const asks = permissionsOf(templates[1]!, "SweepRole").filter((line) =>
      line.startsWith("sqs:GetQueueAttributes"),
    );
    expect(asks).toHaveLength(atRest.queueRequests);
  });

  it("one secret and one schedule are billed, and nothing that the bill of an idle month does not know", () => {
    expect(found(templates, "AWS::SecretsManager::Secret")).toHaveLength(1);
    expect(found(templates, "AWS::Scheduler::Schedule")).toHaveLength(1);
    expect(found(templates, "AWS::CloudWatch::Dashboard")).toHaveLength(2);
    const types = templates.flatMap((template) =>
      Object.values<{ Type: string }>(template.toJSON().Resources).map(({ Type }) => Type),
    );
    expect([...new Set(types)].filter((type) => !BILLED.includes(type) && !isFree(type))).toEqual([]);
    for (const { Properties } of found(templates, "AWS::EC2::VPCEndpoint"))
      expect(Properties.VpcEndpointType).toBe("Gateway");
  });
});
