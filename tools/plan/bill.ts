import { type Figure, figure } from "./figure.ts";
import { PRICES, type PriceName } from "./prices.ts";

/** Quantity of something that is billed. */
export interface BillItem {
  readonly what: string;
  readonly quantity: number;
  readonly price: PriceName;
  /** Explanation of the quantity. */
  readonly because: string;
}

/** Item of a bill with its cost in US dollars. */
export interface BillLine extends BillItem {
  readonly dollars: number;
}

export const totalOf = (lines: readonly BillLine[]): number =>
  lines.reduce((sum, line) => sum + line.dollars, 0);

/** Numbers besides the traffic that a bill depends on. */
export const DEPLOYED = {
  daysPerMonth: figure(30, "assumed", "days per month"),
  imageGb: figure(2.5, "assumed", "size of the container image in the registry, GB; not measured yet"),
  sweepMinutes: figure(2, "deployed", "minutes between two sweeps"),
  lists: figure(
    3,
    "deployed",
    "LIST requests per sweep: unfinished jobs, webhooks that are due, and markers of no time",
  ),
  pollsPerMinute: figure(
    15,
    "recalled",
    "empty receives per minute and queue: Lambda polls with 5 pollers, 20 s each",
  ),
  lambdaGb: figure(0.5, "deployed", "memory of a small Lambda function, GB"),
  lambdaSeconds: figure(0.3, "assumed", "duration of a small Lambda function, s"),
  sweepLogKb: figure(0.5, "assumed", "log per sweep, kB"),
  edgeGb: figure(1, "deployed", "memory of the edge function, GB"),
  edgeSeconds: figure(0.1, "assumed", "duration of the edge function, s"),
  statusReads: figure(20, "assumed", "status requests per video"),
  downloads: figure(1, "assumed", "downloads per video"),
  writes: figure(14, "assumed", "writes of records, markers and files per video, counted in the code"),
  reads: figure(12, "assumed", "reads by Lambda functions and GPU per video, counted in the code"),
  readsPerRequest: figure(2, "assumed", "reads per API request: the API key and the record"),
  progressSeconds: figure(2, "deployed", "minimum seconds between two writes of progress"),
  wafRules: figure(3, "deployed", "rules of the web ACL"),
  retentionDays: figure(30, "deployed", "days that a video is kept, the default of a deployment"),
} as const satisfies Readonly<Record<string, Figure>>;

const lambda = invocation(DEPLOYED.lambdaGb, DEPLOYED.lambdaSeconds);
const edge = invocation(DEPLOYED.edgeGb, DEPLOYED.edgeSeconds);

/** Counts of what is billed without a job and differs between backends. A test counts them in the templates. */
export interface AtRest {
  /** Metrics of all alarms, those of the scaling policies included. */
  readonly alarmMetrics: number;
  /** Queues that Lambda polls. */
  readonly queues: number;
  /** Requests of a sweep to the backend's own queue. */
  readonly queueRequests: number;
}

export interface IdleMonth {
  readonly modelGb: number;
  readonly hasWaf: boolean;
  readonly atRest: AtRest;
}

/** Returns the bill of a month without requests: no instance runs, and everything else is deployed. */
export function idleMonth({ modelGb, hasWaf, atRest }: IdleMonth): BillLine[] {
  const { daysPerMonth, imageGb, sweepMinutes, lists, pollsPerMinute } = DEPLOYED;
  const { alarmMetrics, queues, queueRequests } = atRest;
  const minutes = daysPerMonth.value * 1440;
  const sweeps = minutes / sweepMinutes.value;
  const lines: BillLine[] = [
    line("Model in the bucket", modelGb, "s3Storage", `${modelGb} GB`),
    line("Container image", imageGb.value, "ecrStorage", `${imageGb.value} GB`),
    line("Master key", 1, "secret", "one secret"),
    line("Alarms", alarmMetrics, "alarmMetric", `${alarmMetrics} metrics`),
    line("Schedule", sweeps, "schedule", `every ${sweepMinutes.value} minutes`),
    line("Sweep, invocations", sweeps, "lambdaRequest", "one per sweep"),
    line("Sweep, duration", sweeps * lambda.gbSeconds, "lambdaGbSecond", lambda.told),
    line("Sweep, LIST requests", sweeps * lists.value, "s3Write", `${lists.value} per sweep`),
    line("Sweep, logs", (sweeps * DEPLOYED.sweepLogKb.value) / 1e6, "logs", "lines written by Lambda"),
    line(
      "Queues, empty receives",
      minutes * pollsPerMinute.value * queues,
      "sqsRequest",
      `${queues} queues, ${pollsPerMinute.value} per minute each`,
    ),
  ];
  if (queueRequests > 0)
    lines.push(
      line("Sweep, SQS requests", sweeps * queueRequests, "sqsRequest", `${queueRequests} per sweep`),
    );
  if (!hasWaf) return lines;
  return [
    ...lines,
    line("WAF, web ACL", 1, "wafAcl", "one web ACL"),
    line("WAF, rules", DEPLOYED.wafRules.value, "wafRule", `${DEPLOYED.wafRules.value} rules`),
  ];
}

/** Returns the bill of one video without its instance time. */
export function videoBill({
  videoMb,
  videoSeconds,
  backendItems,
  hasWaf,
}: {
  readonly videoMb: number;
  readonly videoSeconds: number;
  readonly backendItems: readonly BillItem[];
  readonly hasWaf: boolean;
}): BillLine[] {
  const requests = 1 + DEPLOYED.statusReads.value + DEPLOYED.downloads.value;
  const progress = Math.ceil(videoSeconds / DEPLOYED.progressSeconds.value);
  const videoGb = videoMb / 1000;
  const months = DEPLOYED.retentionDays.value / DEPLOYED.daysPerMonth.value;
  const lines: BillLine[] = [
    line("API, requests", requests, "cloudFrontRequest", `POST, ${requests - 1} GET`),
    line("API, invocations", requests, "edgeRequest", "one per request"),
    line("API, duration", requests * edge.gbSeconds, "edgeGbSecond", edge.told),
    line(
      "Record and files, writes",
      DEPLOYED.writes.value + progress,
      "s3Write",
      `${DEPLOYED.writes.value}, and ${progress} for progress`,
    ),
    line(
      "Record and files, reads",
      DEPLOYED.readsPerRequest.value * requests + DEPLOYED.reads.value,
      "s3Read",
      "by API, Lambda functions and GPU",
    ),
    line("Queues", 18, "sqsRequest", "send, receive and delete of six messages"),
    ...backendItems.map(({ what, quantity, price, because }) => line(what, quantity, price, because)),
    line(
      "Lambda, invocations",
      6,
      "lambdaRequest",
      "dispatch, settle, two that plan webhooks, two that send",
    ),
    line("Lambda, duration", 6 * lambda.gbSeconds, "lambdaGbSecond", lambda.told),
    line("Storage", videoGb * months, "s3Storage", `${videoMb} MB for ${DEPLOYED.retentionDays.value} days`),
    line("Download", videoGb * DEPLOYED.downloads.value, "transferOut", `${videoMb} MB once`),
  ];
  return hasWaf ? [...lines, line("WAF", requests, "wafRequest", "every request")] : lines;
}

function invocation({ value: gb }: Figure, { value: seconds }: Figure) {
  return { gbSeconds: gb * seconds, told: `${gb} GB for ${seconds} s` };
}

function line(what: string, quantity: number, price: PriceName, because: string): BillLine {
  const { dollars, units } = PRICES[price];
  return { what, quantity, price, dollars: (quantity * dollars) / units, because };
}
