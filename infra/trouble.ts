import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";

/** Something that does not repair itself, or has had to be repaired often: an alarm is made of it. */
export interface Trouble {
  readonly description: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** Of the metric's periods, all of them in trouble; 1. */
  readonly periods?: number;
  /** Whether less than the threshold, or nothing at all, is the trouble, and not what reaches it. */
  readonly isWanted?: boolean;
}

/** Troubles by the names of their alarms. */
export type Troubles = Readonly<Record<string, Trouble>>;
