import type { Scaling } from "../../../infra/config.ts";
import type { AtRest, BillItem } from "../bill.ts";
import type { Figure } from "../figure.ts";
import type { ScalingRules } from "../scaling.ts";

interface Range {
  readonly least: number;
  readonly most: number;
}

/** Settings of a deployment that decide how it scales. */
export interface ScalingSettings {
  readonly instancesMax: number;
  readonly idleMinutes: number;
  readonly scaling: Scaling;
}

interface PlannedType {
  readonly dollarsPerHour: number;
  readonly gpu: { readonly name: string } | null;
}

/** GPU backend as a plan sees it: prices, scaling rules and cold starts. */
export interface PlannedBackend {
  /** Instance types with their prices in US dollars per hour, and the names of their GPUs. */
  readonly instanceTypes: Readonly<Record<string, PlannedType>>;
  /** Date of those prices. */
  readonly pricesDate: string;
  /** Sentence about the time that is billed. */
  readonly billing: string;
  /** Sentences about when scaling measures and decides. */
  readonly deciding: string;
  /** Sentence about behaviour that plans leave out because nobody has measured it. */
  readonly unseen: string;
  /** Returns the type with the hardware of a type of SageMaker. */
  typeLike(name: string): string;
  /** Seconds from the decision to start an instance until it takes jobs. */
  readonly coldStart: Range & { readonly figure: Figure };
  /** Maximum seconds of a run; null for the deadline of its job. */
  readonly runSecondsMax: number | null;
  /** Returns the scaling rules of a deployment. */
  rules(chosen: ScalingSettings): ScalingRules;
  /** Returns what a deployment has at rest. */
  atRest(chosen: Pick<ScalingSettings, "instancesMax" | "scaling">): AtRest;
  /** Items of a video's bill other than instance time. */
  readonly videoItems: readonly BillItem[];
  /** Returns the billed instance seconds of creating or replacing the backend. */
  deploymentSeconds(coldStartSeconds: number, idleMinutes: number): number;
}
