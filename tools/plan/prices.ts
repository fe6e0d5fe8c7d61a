import { exactly } from "./units.ts";

/** Price of an AWS service other than instances. */
export interface Price {
  /** US dollars for `units` units in us-east-1, without free tier and quantity discounts. */
  readonly dollars: number;
  readonly units: number;
  readonly unit: string;
  /** `looked up`: read on the public page that `source` names; `recalled`: from memory, found on no page. */
  readonly origin: "looked up" | "recalled";
  readonly source: string;
}

/** Date of the prices. Prices of other regions may differ. */
export const SERVICE_PRICES_DATE = "2026-11-25";

type Quote = readonly [dollars: number, units: number, unit: string, source: string];

const lookedUp = (...quote: Quote) => price("looked up", quote);
const recalled = (...quote: Quote) => price("recalled", quote);

function price(origin: Price["origin"], [dollars, units, unit, source]: Quote): Price {
  return { dollars, units, unit, origin, source };
}

const MILLION = 1_000_000;

export const PRICES = {
  s3Storage: lookedUp(0.023, 1, "GB and month", "S3 Standard: devnotes.tech"),
  s3Write: lookedUp(0.005, 1000, "PUT or LIST", "S3 Standard: c3x.dev"),
  s3Read: lookedUp(0.0004, 1000, "GET or HEAD", "S3 Standard: c3x.dev"),
  transferOut: lookedUp(0.09, 1, "GB", "S3 to the internet: devnotes.tech, wring.co"),
  ecrStorage: lookedUp(0.1, 1, "GB and month", "ECR: cloudburn.io, March 2026"),
  secret: lookedUp(0.4, 1, "secret and month", "Secrets Manager: hivebook.wiki"),
  alarmMetric: recalled(0.1, 1, "alarm metric and month", "CloudWatch"),
  dashboard: recalled(3, 1, "dashboard and month", "CloudWatch; the first three of an account are free"),
  logs: lookedUp(0.5, 1, "GB", "CloudWatch Logs: factualminds.com, June 2026"),
  schedule: lookedUp(1, MILLION, "invocations", "EventBridge Scheduler: cloudburn.io, March 2026"),
  sqsRequest: lookedUp(0.4, MILLION, "requests", "SQS: cloudburn.io, March 2026"),
  snsPublish: recalled(0.5, MILLION, "messages", "SNS; delivery to SQS is free"),
  lambdaRequest: lookedUp(0.2, MILLION, "invocations", "Lambda: AWS whitepaper How AWS Pricing Works"),
  lambdaGbSecond: lookedUp(13.3334, MILLION, "GB seconds on Arm", "Lambda: cloudchipr.com"),
  edgeRequest: lookedUp(0.6, MILLION, "invocations", "Lambda@Edge: blazingcdn.com, May 2026"),
  edgeGbSecond: recalled(
    50.01,
    MILLION,
    "GB seconds",
    "Lambda@Edge; blazingcdn.com quotes it for 128 MB only",
  ),
  cloudFrontRequest: lookedUp(0.01, 10_000, "HTTPS requests", "CloudFront, North America: wring.co"),
  wafAcl: lookedUp(5, 1, "web ACL and month", "AWS WAF: awsnegotiations.com, c3x.dev"),
  wafRule: lookedUp(1, 1, "rule and month", "AWS WAF: awsnegotiations.com, c3x.dev"),
  wafRequest: lookedUp(0.6, MILLION, "requests", "AWS WAF: awsnegotiations.com, c3x.dev"),
} as const satisfies Readonly<Record<string, Price>>;

export type PriceName = keyof typeof PRICES;

/** Formats a price: `$0.40 per 1,000,000 requests`. */
export function quoted({ dollars, units, unit }: Price): string {
  return `${exactly(dollars)} per ${units === 1 ? "" : `${units.toLocaleString("en-US")} `}${unit}`;
}
