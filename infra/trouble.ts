import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";

/** Condition that raises an alarm: a fault that the service does not repair itself, or had to repair often. */
export interface Trouble {
  /** Sentence of what has happened. */
  readonly meaning: string;
  /** Sentences of what a person who gets the alarm does about it. */
  readonly remedy: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** Number of consecutive periods that must be in alarm; 1 by default. */
  readonly periods?: number;
  /** True if the alarm is for values below the threshold or missing data, instead of values that reach it. */
  readonly isWanted?: boolean;
}

/** Troubles by the names of their alarms. */
export type Troubles = Readonly<Record<string, Trouble>>;
