import type { Stack } from "aws-cdk-lib";
import { synthesized } from "./deployment.ts";

/** Metric that an alarm, a scaling policy or a graph asks CloudWatch for. */
export interface WatchedMetric {
  /** Stack and logical id of what asks. */
  readonly by: string;
  readonly namespace: string;
  readonly name: string;
  /** Values by dimension: text, or a reference of CloudFormation. */
  readonly dimensions: Readonly<Record<string, unknown>>;
  readonly statistic: string | undefined;
  readonly region: string;
}

/** Expression over metrics, with the ids that it may name. */
export interface WatchedExpression {
  readonly by: string;
  readonly expression: string;
  readonly ids: readonly string[];
}

export interface Watched {
  readonly metrics: readonly WatchedMetric[];
  readonly expressions: readonly WatchedExpression[];
}

/** Returns all metrics and expressions of a stack's alarms, scaling policies and dashboards. */
export function watchedBy(stack: Stack): Watched {
  const resources = synthesized(stack).toJSON().Resources as Record<string, Resource>;
  const all = Object.entries(resources).map(([id, resource]) => {
    const by = { by: `${stack.stackName} ${id}`, region: stack.region };
    if (resource.Type === "AWS::CloudWatch::Alarm") return ofAlarm(by, resource);
    if (resource.Type === "AWS::CloudWatch::Dashboard") return ofDashboard(by, resource);
    if (resource.Type.endsWith("::ScalingPolicy")) return ofScalingPolicy(by, resource);
    return NONE;
  });
  return {
    metrics: all.flatMap(({ metrics }) => metrics),
    expressions: all.flatMap(({ expressions }) => expressions),
  };
}

interface Resource {
  readonly Type: string;
  readonly Properties: Properties;
}

/** Properties of the three kinds of resources, which have nothing in common. */
interface Properties extends OneMetric {
  readonly Metrics?: readonly MetricQuery[];
  readonly ExtendedStatistic?: string;
  readonly TargetTrackingScalingPolicyConfiguration?: Tracking;
  readonly TargetTrackingConfiguration?: Tracking;
  readonly DashboardBody: string | { readonly "Fn::Join": readonly [string, readonly unknown[]] };
}

interface Tracking {
  readonly CustomizedMetricSpecification?: OneMetric & { readonly Metrics?: readonly MetricQuery[] };
}

interface OneMetric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly Dimension[];
  readonly Statistic?: string;
}

type By = Pick<WatchedMetric, "by" | "region">;

const NONE: Watched = { metrics: [], expressions: [] };

interface Dimension {
  readonly Name: string;
  readonly Value: unknown;
}

interface MetricQuery {
  readonly Id: string;
  readonly Expression?: string;
  readonly MetricStat?: {
    readonly Metric: OneMetric;
    readonly Stat: string;
  };
}

function ofAlarm(by: By, { Properties }: Resource): Watched {
  if (Properties.Metrics) return ofQueries(by, Properties.Metrics);
  const statistic = Properties.Statistic ?? Properties.ExtendedStatistic;
  return { metrics: [metricOf(by, Properties, statistic)], expressions: [] };
}

/** Step scaling follows an alarm; only target tracking has a metric of its own. */
function ofScalingPolicy(by: By, { Properties }: Resource): Watched {
  const tracking =
    Properties.TargetTrackingScalingPolicyConfiguration ?? Properties.TargetTrackingConfiguration;
  const custom = tracking?.CustomizedMetricSpecification;
  if (custom === undefined) return NONE;
  if (custom.Metrics) return ofQueries(by, custom.Metrics);
  return { metrics: [metricOf(by, custom, custom.Statistic)], expressions: [] };
}

function ofQueries(by: By, queries: readonly MetricQuery[]): Watched {
  const ids = queries.map(({ Id }) => Id);
  return {
    metrics: queries.flatMap(({ MetricStat: stat }) => (stat ? [metricOf(by, stat.Metric, stat.Stat)] : [])),
    expressions: queries.flatMap(({ Expression: expression }) =>
      expression === undefined ? [] : [{ by: by.by, expression, ids }],
    ),
  };
}

function metricOf(by: By, metric: OneMetric, statistic: string | undefined): WatchedMetric {
  const { Namespace: namespace, MetricName: name, Dimensions = [] } = metric;
  const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));
  return { ...by, namespace, name, dimensions, statistic };
}

interface Options {
  readonly id?: string;
  readonly stat?: string;
  readonly region?: string;
  readonly expression?: string;
}

interface Widget {
  readonly properties: { readonly region?: string; readonly metrics?: readonly (readonly unknown[])[] };
}

function ofDashboard(by: By, { Properties }: Resource): Watched {
  const { body, references } = textOf(Properties.DashboardBody);
  const { widgets } = JSON.parse(body) as { readonly widgets: readonly Widget[] };
  const of = widgets.map(({ properties: { region = by.region, metrics: lines = [] } }): Watched => {
    const rows = lines.map((line) => ({
      words: line.filter((word) => typeof word !== "object"),
      options: (line.find((word) => typeof word === "object") ?? {}) as Options,
    }));
    const ids = rows.flatMap(({ options }) => options.id ?? []);
    const metrics = rows
      .filter(({ words }) => words.length > 0)
      .map(({ words: [namespace, name, ...rest], options }) => ({
        by: by.by,
        region: options.region ?? region,
        namespace: String(namespace),
        name: String(name),
        dimensions: pairs(rest, references),
        statistic: options.stat,
      }));
    const expressions = rows.flatMap(({ options: { expression } }) =>
      expression === undefined ? [] : [{ by: by.by, expression, ids }],
    );
    return { metrics, expressions };
  });
  return {
    metrics: of.flatMap(({ metrics }) => metrics),
    expressions: of.flatMap(({ expressions }) => expressions),
  };
}

/** Returns a dashboard's body with a mark for each reference, and the references by their marks. */
function textOf(body: Properties["DashboardBody"]): { body: string; references: Map<string, unknown> } {
  const parts = typeof body === "string" ? [body] : body["Fn::Join"][1];
  const references = new Map<string, unknown>();
  const marked = parts.map((part, index) => {
    if (typeof part === "string") return part;
    references.set(`<${index}>`, part);
    return `<${index}>`;
  });
  return { body: marked.join(""), references };
}

function pairs(words: readonly unknown[], references: Map<string, unknown>): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (let index = 0; index < words.length; index += 2) {
    const value = String(words[index + 1]);
    found[String(words[index])] = references.get(value) ?? value;
  }
  return found;
}
