import { describe, expect, it } from "vitest";
import { templateOf } from "./deployment.ts";

/** Namespaces that the services of a deployment report to without extra settings, and our own. */
const NAMESPACES = [
  "AWS/CloudFront",
  "AWS/Lambda",
  "AWS/S3",
  "AWS/SNS",
  "AWS/SQS",
  "AWS/SageMaker",
  "/aws/sagemaker/Endpoints",
  "Adareel",
];

/** A dashboard with more metrics is billed even if it is one of the first three of an account. */
const FREE_METRICS = 50;

interface Widget {
  readonly type: string;
  readonly properties: {
    readonly title: string;
    readonly region?: string;
    readonly query?: string;
    readonly alarms?: readonly string[];
    readonly metrics?: readonly (readonly unknown[])[];
  };
}

function dashboardOf(stack: string, options = {}) {
  const template = templateOf(stack, options);
  const [board] = Object.values(template.findResources("AWS::CloudWatch::Dashboard"));
  const { DashboardName: name, DashboardBody: body } = board!.Properties;
  // References become their logical ids.
  const parts: unknown[] = body["Fn::Join"][1];
  const text = parts.map((part) => (typeof part === "string" ? part : idIn(part))).join("");
  const { widgets } = JSON.parse(text) as { readonly widgets: readonly Widget[] };
  const titled = (title: string) => widgets.find(({ properties }) => properties.title.startsWith(title))!;
  return { name, widgets, titled, alarms: template.findResources("AWS::CloudWatch::Alarm") };
}

function idIn(part: unknown): string {
  const [reference] = Object.values(part as object);
  const id = Array.isArray(reference) ? reference[0] : String(reference).split(":").at(-1);
  return String(id).replaceAll('"', "");
}

const jobs = dashboardOf("gpu");
const api = dashboardOf("edge");
const metricsOf = ({ widgets }: typeof jobs) =>
  widgets
    .flatMap(({ properties }) => properties.metrics ?? [])
    .filter(([first]) => typeof first === "string");

describe("the dashboards", () => {
  it("the dashboards are named after the deployment and its region", () => {
    expect([jobs.name, api.name]).toEqual(["adareel-eu-central-1-jobs", "adareel-eu-central-1-api"]);
    expect(dashboardOf("gpu", { name: "films" }).name).toBe("films-eu-central-1-jobs");
  });

  it("the dashboards begin with the state of every alarm that tells people", () => {
    for (const { widgets, alarms } of [jobs, api]) {
      const telling = Object.values(alarms).flatMap(({ Properties }) => Properties.AlarmName ?? []);
      expect(telling.length).toBeGreaterThan(0);
      expect(widgets[0]!.type).toBe("alarm");
      const shown = widgets[0]!.properties.alarms!.map((arn) => arn.split(":alarm:")[1]);
      expect(shown.sort()).toEqual(telling.sort());
    }
  });

  it("the dashboards show metrics that services report by themselves, and the one of the sweep", () => {
    const namespaces = [jobs, api].flatMap(metricsOf).map(([namespace]) => namespace);
    expect([...new Set(namespaces)].sort()).toEqual([...NAMESPACES].sort());
  });

  it("the dashboards are small enough to cost nothing as the first of an account", () => {
    for (const board of [jobs, api]) expect(metricsOf(board).length).toBeLessThanOrEqual(FREE_METRICS);
  });
});

describe("the dashboard of jobs", () => {
  it.each([
    ["Unfinished jobs", ["UnfinishedJobs", "ApproximateBacklogSize"]],
    ["Age of the oldest job", ["ApproximateAgeOfOldestRequest"]],
    ["Runs that ended", ["NumberOfMessagesPublished", "NumberOfMessagesPublished"]],
    ["Functions: calls", Array(4).fill("Invocations")],
    ["Functions: errors", Array(4).fill("Errors")],
    ["Instances: utilization", ["GPUUtilization", "GPUMemoryUtilization"]],
    ["Cost: bytes in the bucket", ["BucketSizeBytes"]],
  ])("the dashboard of jobs shows %s", (title, names) => {
    expect(jobs.titled(title).properties.metrics!.map(([, name]) => name)).toEqual(names);
  });

  it("the dashboard of jobs asks for the metrics of its own region, where they are", () => {
    expect(new Set(jobs.widgets.slice(1).map(({ properties }) => properties.region))).toEqual(
      new Set(["eu-central-1"]),
    );
  });

  it("the dashboard of jobs shows the size of the bucket by the day, since S3 reports it once a day", () => {
    const [size] = jobs.titled("Cost: bytes in the bucket").properties.metrics!;
    expect(size!.at(-1)).toMatchObject({ period: 86_400 });
  });

  it("the dashboard of jobs counts instances by their reports, and hours of them as the cost", () => {
    const [reports] = jobs.titled("Instances").properties.metrics!;
    expect(reports!.slice(0, 2)).toEqual(["/aws/sagemaker/Endpoints", "CPUUtilization"]);
    expect(reports!.at(-1)).toMatchObject({ stat: "SampleCount", period: 60 });
    const [hours, counted] = jobs.titled("Cost: instance hours").properties.metrics!;
    expect(hours![0]).toMatchObject({ expression: "reports / 60", period: 3600 });
    expect(counted!.at(-1)).toMatchObject({ id: "reports", stat: "SampleCount", period: 3600 });
  });

  it("the dashboard of jobs has no GPU where the instances have none", () => {
    const board = dashboardOf("gpu", { instanceTypes: "ml.m5.xlarge" });
    const names = board.titled("Instances: utilization").properties.metrics!.map(([, name]) => name);
    expect(names).toEqual(["CPUUtilization", "MemoryUtilization"]);
  });

  it("the dashboard of jobs asks the logs for what no metric tells", () => {
    expect(jobs.titled("Jobs worked on").properties.query).toMatch(
      /^SOURCE '\/aws\/sagemaker\/Endpoints\/adareel-[0-9a-f]{10}' \| filter msg = "job"\n\| stats count\(\*\) as jobs by status, code$/,
    );
    expect(jobs.titled("Webhooks").properties.query).toMatch(
      /^SOURCE 'WebhookLog\w+' \| filter msg = "job"\n\| stats count\(\*\) as jobs by outcome$/,
    );
  });
});

it("the dashboard of the API shows requests, errors and bytes, all from us-east-1", () => {
  const names = api.widgets.slice(1).flatMap(({ properties }) => properties.metrics!.map(([, name]) => name));
  expect(names).toEqual(["Requests", "4xxErrorRate", "5xxErrorRate", "BytesDownloaded"]);
  for (const { properties } of api.widgets.slice(1)) expect(properties.region).toBe("us-east-1");
});
