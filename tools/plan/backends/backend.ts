import type { Figure } from "../figure.ts";
import type { ScalingRules } from "../scaling.ts";

interface Range {
  readonly least: number;
  readonly most: number;
}

/** A GPU backend as a plan sees it: what it bills, when it scales, and how long it takes from zero. */
export interface PlannedBackend {
  /** What an hour of each instance type costs in US dollars. */
  readonly instanceTypes: Readonly<Record<string, { readonly dollarsPerHour: number }>>;
  /** The day those prices were looked up. */
  readonly pricesDate: string;
  /** Sentence about the time that is billed. */
  readonly billing: string;
  /** Sentence about how scaling learns of the load, and when it decides. */
  readonly deciding: string;
  /** What nobody has seen of it, and no plan can show. */
  readonly unseen: string;
  /** Minutes without a job that a deployment may wait before its instances go. */
  readonly idleMinutes: Range;
  /** Seconds from the decision to start an instance until it takes jobs. */
  readonly coldStart: Range & { readonly figure: Figure };
  /** Rules by which a deployment scales. */
  rules(chosen: Pick<ScalingRules, "instancesMax" | "idleMinutes">): ScalingRules;
  /** Seconds of an instance that a deployment pays for when it makes the backend or replaces it. */
  deploymentSeconds(coldStartSeconds: number, idleMinutes: number): number;
}
