import type { Stack } from "aws-cdk-lib";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { Role } from "aws-cdk-lib/aws-iam";
import type { IDependable } from "constructs";
import type { DeployedVariables } from "../../lib/shared/variables.ts";
import type { DeploymentConfig } from "../config.ts";
import type { Graph, LogTable } from "../dashboard.ts";
import type { HintQueue } from "../hint-queue.ts";
import type { PlaceVariables } from "../job-function.ts";
import type { Troubles } from "../trouble.ts";

/** Graphs of a backend for the dashboard of a deployment. */
export interface BackendGraphs {
  /** Number of jobs in the backend's own queue, as it counts them. */
  readonly waiting: IMetric;
  readonly jobs: readonly (Graph | LogTable)[];
  readonly instances: readonly Graph[];
}

/** A GPU backend in the templates, as the functions around it see it. */
export interface BackendConstructs {
  /** Environment variables that tell the functions that submit jobs where the backend is. */
  readonly variables: Omit<DeployedVariables<"dispatch">, keyof PlaceVariables>;
  /** Resource that must exist before the functions that name it. */
  readonly resource: IDependable;
  /** Lets the role of a function submit jobs. */
  grantSubmit(role: Role): void;
  /** Lets the role of a function ask how many jobs wait. */
  grantWatch(role: Role): void;
  /**
   * Sends the backend's notifications of ended runs to the queue of the settle function; null if it sends none, and its
   * workers do themselves what that function does.
   */
  readonly tellEnds: ((events: HintQueue) => void) | null;
  /** Alarms for jobs that wait too long and runs that fail. */
  readonly jobTroubles: Troubles;
  /** Alarms for instances that are billed while there are no jobs. */
  readonly costTroubles: Troubles;
  /** Graphs of the queue, the runs and the instances, for the dashboard. */
  readonly graphs: BackendGraphs;
  /** Stack outputs by name. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** Adds a backend's constructs to a stack. */
export type MakeBackend = (stack: Stack, config: DeploymentConfig) => BackendConstructs;
