import { describe, expect, it } from "vitest";
import { unfinishedMetric } from "../../functions/sweep/sweep.ts";
import { DEPLOYMENTS, stacksOf, templateOf } from "./deployment.ts";
import { PUBLISHED_METRICS } from "./published-metrics.ts";
import { type WatchedMetric, watchedBy } from "./watched-metrics.ts";

/** Says why CloudWatch would never have data for a metric; null if its publisher says that it does. */
function faultOf({ namespace, name, dimensions, statistic, region }: WatchedMetric): string | null {
  const published = PUBLISHED_METRICS[namespace];
  if (published === undefined) return `nothing is known to publish in ${namespace}`;
  const groups = published.groups.filter(({ names }) => names.includes(name));
  if (groups.length === 0) return `${namespace} has no ${name}`;
  const given = Object.keys(dimensions).sort().join();
  const group = groups.find((each) => each.dimensions.some((names) => [...names].sort().join() === given));
  if (group === undefined) return `${name} is not published by ${given || "no dimension"}`;
  for (const [dimension, values] of Object.entries(published.values)) {
    const value = dimensions[dimension];
    if (value !== undefined && !values.includes(String(value)))
      return `${name} has no ${dimension} ${String(value)}`;
  }
  if (published.region !== null && region !== published.region)
    return `${name} is not published in ${region}`;
  if (group.statistics && !group.statistics.includes(statistic ?? "Average"))
    return `${statistic ?? "Average"} is no valid statistic of ${name}`;
  return null;
}

describe.each(Object.entries(DEPLOYMENTS))("the metrics of the deployment %s", (_name, options) => {
  const watched = stacksOf(options).map(watchedBy);
  const metrics = watched.flatMap((each) => each.metrics);

  it("each alarm, scaling policy and graph asks for a metric by dimensions under which it is published", () => {
    const faults = metrics.flatMap((metric) => {
      const fault = faultOf(metric);
      return fault === null ? [] : [`${metric.by}: ${fault}`];
    });
    expect(faults).toEqual([]);
    expect(metrics.length).toBeGreaterThan(40);
  });

  it("an expression names only metrics that are beside it", () => {
    const expressions = watched.flatMap((each) => each.expressions);
    for (const { expression, ids } of expressions) {
      const named = expression.match(/\b[a-z]\w*\b/g)!;
      expect(ids).toEqual(expect.arrayContaining(named));
    }
    expect(expressions.length).toBeGreaterThan(2);
  });

  it.skipIf(options.backend === "ecs")(
    "a metric of an endpoint is that of the endpoint and the variant that the deployment makes",
    () => {
      const template = templateOf("gpu", options);
      const [endpoint] = Object.values(template.findResources("AWS::SageMaker::Endpoint"));
      const [config] = Object.values(template.findResources("AWS::SageMaker::EndpointConfig"));
      const values = (dimension: string) => [
        ...new Set(metrics.flatMap(({ dimensions }) => dimensions[dimension] ?? [])),
      ];
      expect(values("EndpointName")).toEqual([endpoint!.Properties.EndpointName]);
      expect(values("VariantName")).toEqual([config!.Properties.ProductionVariants[0].VariantName]);
    },
  );

  it("an alarm for too little counts missing data as too little", () => {
    const alarms = ["gpu", "edge"].flatMap((stack) =>
      Object.values(templateOf(stack, options).findResources("AWS::CloudWatch::Alarm")),
    );
    const forLittle = alarms.filter(({ Properties }) => Properties.ComparisonOperator.startsWith("Less"));
    expect(forLittle.length).toBeGreaterThan(0);
    for (const { Properties } of forLittle) expect(Properties.TreatMissingData).toBe("breaching");
  });
});

it("our own metric is the one that the sweep writes down, for the deployment that it is told of", () => {
  const sweep = Object.values(templateOf("gpu").findResources("AWS::Lambda::Function")).find(
    ({ Properties }) => Properties.Environment?.Variables.DEPLOYMENT,
  );
  const { DEPLOYMENT: deployment } = sweep!.Properties.Environment.Variables;
  const line = unfinishedMetric({ queued: 1, running: 0 } as Parameters<typeof unfinishedMetric>[0], {
    deployment,
    now: 0,
  });
  const written = JSON.parse(line!);
  const [{ Namespace, Dimensions, Metrics }] = written._aws.CloudWatchMetrics;
  expect(PUBLISHED_METRICS[Namespace]!.groups).toEqual([
    { names: Metrics.map(({ Name }: { Name: string }) => Name), dimensions: Dimensions },
  ]);
  const own = stacksOf({})
    .flatMap((stack) => watchedBy(stack).metrics)
    .filter(({ namespace }) => namespace === Namespace);
  expect(own.length).toBeGreaterThan(0);
  for (const { dimensions } of own) expect(dimensions).toEqual({ Deployment: written.Deployment });
});

describe("the list of published metrics", () => {
  const metric: WatchedMetric = {
    by: "",
    namespace: "AWS/CloudFront",
    name: "5xxErrorRate",
    dimensions: { DistributionId: "E1", Region: "Global" },
    statistic: "Average",
    region: "us-east-1",
  };

  it.each([
    ["a missing dimension", { dimensions: { DistributionId: "E1" } }],
    ["a dimension too many", { dimensions: { ...metric.dimensions, FunctionName: "f" } }],
    ["a value that is never used", { dimensions: { DistributionId: "E1", Region: "us-east-1" } }],
    ["a mistyped name", { name: "5XXErrorRate" }],
    ["another namespace", { namespace: "AWS/Cloudfront" }],
    ["another region", { region: "eu-central-1" }],
    ["a statistic that means nothing", { statistic: "Sum" }],
  ])("%s of a metric is found", (_what, change) => {
    expect(faultOf(metric)).toBeNull();
    expect(faultOf({ ...metric, ...change })).not.toBeNull();
  });
});
