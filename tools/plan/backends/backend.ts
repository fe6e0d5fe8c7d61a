import type { BillItem } from "../bill.ts";
import type { Figure } from "../figure.ts";
import type { ScalingRules } from "../scaling.ts";

interface Range {
  readonly least: number;
  readonly most: number;
}

/** GPU backend as a plan sees it: what it bills, when it scales, and how long it takes from zero. */
export interface PlannedBackend {
  /** Prices of instance types in US dollars an hour. */
  readonly instanceTypes: Readonly<Record<string, { readonly dollarsPerHour: number }>>;
  /** The day those prices were looked up. */
  readonly pricesDate: string;
  /** Sentence about the time that is billed. */
  readonly billing: string;
  /** Sentence about how scaling learns of the load, and when it decides. */
  readonly deciding: string;
  /** Sentence about what no plan can show, because nobody has measured it. */
  readonly unseen: string;
  /** Minutes without a job that a deployment may wait before its instances go. */
  readonly idleMinutes: Range;
  /** Seconds from the decision to start an instance until it takes jobs. */
  readonly coldStart: Range & { readonly figure: Figure };
  /** Rules by which a deployment scales. */
  rules(chosen: Pick<ScalingRules, "instancesMax" | "idleMinutes">): ScalingRules;
  /** Items of a video's bill, besides its seconds of an instance. */
  readonly videoItems: readonly BillItem[];
  /** Seconds of an instance that a deployment pays for when it makes the backend or replaces it. */
  deploymentSeconds(coldStartSeconds: number, idleMinutes: number): number;
}
