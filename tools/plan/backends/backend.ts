import type { BillItem } from "../bill.ts";
import type { Figure } from "../figure.ts";
import type { ScalingRules } from "../scaling.ts";

interface Range {
  readonly least: number;
  readonly most: number;
}

/** GPU backend as a plan sees it: prices, scaling rules and cold starts. */
export interface PlannedBackend {
  /** Prices of instance types in US dollars per hour. */
  readonly instanceTypes: Readonly<Record<string, { readonly dollarsPerHour: number }>>;
  /** Date of those prices. */
  readonly pricesDate: string;
  /** Sentence about the time that is billed. */
  readonly billing: string;
  /** Sentences about when scaling measures and decides. */
  readonly deciding: string;
  /** Sentence about behaviour that plans leave out because nobody has measured it. */
  readonly unseen: string;
  /** Allowed minutes without a job before scaling to zero. */
  readonly idleMinutes: Range;
  /** Seconds from the decision to start an instance until it takes jobs. */
  readonly coldStart: Range & { readonly figure: Figure };
  /** Returns the scaling rules of a deployment. */
  rules(chosen: Pick<ScalingRules, "instancesMax" | "idleMinutes">): ScalingRules;
  /** Items of a video's bill other than instance time. */
  readonly videoItems: readonly BillItem[];
  /** Returns the billed instance seconds of creating or replacing the backend. */
  deploymentSeconds(coldStartSeconds: number, idleMinutes: number): number;
}
