import type { Stack } from "aws-cdk-lib";
import type { Role } from "aws-cdk-lib/aws-iam";
import type { IDependable } from "constructs";
import type { DeployedVariables } from "../../lib/shared/variables.ts";
import type { DeploymentConfig } from "../config.ts";
import type { HintQueue } from "../hint-queue.ts";
import type { PlaceVariables } from "../job-function.ts";
import type { Troubles } from "../trouble.ts";

/** A GPU backend in the templates: what runs jobs, as far as the functions around it must know. */
export interface BackendConstructs {
  /** Environment by which the functions that submit jobs find the backend. */
  readonly variables: Omit<DeployedVariables<"dispatch">, keyof PlaceVariables>;
  /** Resource that must be there before the functions that name it. */
  readonly resource: IDependable;
  /** Lets the role of a function submit jobs. */
  grantSubmit(role: Role): void;
  /** Sends what the backend tells of ended runs into the queue of the settle function. */
  tellEnds(events: HintQueue): void;
  /** Jobs that wait for too long, and runs that fail. */
  readonly jobTroubles: Troubles;
  /** Instances that are paid for and do nothing. */
  readonly costTroubles: Troubles;
  /** Outputs of the stack, by their names. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** Adds a backend's constructs to a stack. */
export type MakeBackend = (stack: Stack, config: DeploymentConfig) => BackendConstructs;
