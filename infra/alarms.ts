import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { BackendConstructs } from "./backends/backend.ts";
import type { DeploymentConfig } from "./config.ts";
import type { HintQueue } from "./hint-queue.ts";
import type { JobFunction } from "./job-function.ts";
import { OpsTopic } from "./ops-topic.ts";
import type { Troubles } from "./trouble.ts";
import { TroubleAlarm } from "./trouble-alarm.ts";

export interface AlarmsProps {
  readonly config: DeploymentConfig;
  readonly backend: Pick<BackendConstructs, "jobTroubles" | "costTroubles">;
  /** Queues and functions by the names that their alarms use. */
  readonly queues: Readonly<Record<string, HintQueue>>;
  readonly functions: Readonly<Record<string, JobFunction>> & { readonly Sweep: JobFunction };
}

/** Errors of a function within five minutes that raise its alarm. */
const FUNCTION_ERRORS = 3;
const SWEEP_SILENCE = Duration.minutes(10);

const FIVE_MINUTES = Duration.minutes(5);

/** Alarms for failures that the service does not repair itself, or had to repair often. */
export class Alarms extends Construct {
  readonly all: readonly TroubleAlarm[];

  constructor(scope: Construct, id: string, { config, backend, queues, functions }: AlarmsProps) {
    super(scope, id);
    const topic = new OpsTopic(this, "Ops", config.alarmEmail);
    const troubles: Troubles = {
      ...deadLetters(queues),
      ...errors(functions),
      ...backend.jobTroubles,
      ...silence(functions.Sweep),
      ...backend.costTroubles,
    };
    this.all = Object.entries(troubles).map(
      ([name, trouble]) => new TroubleAlarm(this, name, { deployment: config.name, trouble, topic }),
    );
  }
}

function deadLetters(queues: AlarmsProps["queues"]): Troubles {
  const of = ([name, { deadLetters: dead }]: [string, HintQueue]) => [
    `${name}DeadLetters`,
    {
      meaning:
        "Messages of the queue failed five times and were set aside; the sweep looks after their jobs.",
      remedy:
        "Read the log of the function that the queue calls and repair the cause; then redrive the messages in the SQS " +
        "console. Deleting them loses nothing.",
      metric: dead.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum", period: FIVE_MINUTES }),
      threshold: 1,
    },
  ];
  return Object.fromEntries(Object.entries(queues).map(of));
}

function errors(functions: AlarmsProps["functions"]): Troubles {
  const of = ([name, { lambda }]: [string, JobFunction]) => [
    `${name}Errors`,
    {
      meaning: "The function failed three times or more within five minutes.",
      remedy:
        "Read its log: AWS refuses something, or the code has a fault. If it began with a deployment, roll back.",
      metric: lambda.metricErrors({ period: FIVE_MINUTES }),
      threshold: FUNCTION_ERRORS,
    },
  ];
  return Object.fromEntries(Object.entries(functions).map(of));
}

function silence({ lambda }: JobFunction): Troubles {
  return {
    SweepSilent: {
      meaning: "The sweep has not run for ten minutes, and what is lost stays lost.",
      remedy:
        "Check that its schedule is enabled in EventBridge Scheduler, and that other functions do not use up the " +
        "account's concurrency of Lambda.",
      metric: lambda.metricInvocations({ period: SWEEP_SILENCE }),
      threshold: 1,
      isWanted: true,
    },
  };
}
