import { Duration } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { Construct } from "constructs";
import type { BackendConstructs } from "./backends/backend.ts";
import type { DeploymentConfig } from "./config.ts";
import type { HintQueue } from "./hint-queue.ts";
import type { JobFunction } from "./job-function.ts";
import { OpsTopic } from "./ops-topic.ts";
import type { Trouble, Troubles } from "./trouble.ts";

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
  private readonly topic: OpsTopic;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { config, backend, queues, functions } = props;
    this.topic = new OpsTopic(this, "Ops", config.alarmEmail);

    for (const [name, { deadLetters }] of Object.entries(queues))
      this.add(`${name}DeadLetters`, {
        description: `Messages of the ${name} queue could not be handled; see the log, then redrive them.`,
        metric: deadLetters.metricApproximateNumberOfMessagesVisible({
          statistic: "Maximum",
          period: FIVE_MINUTES,
        }),
        threshold: 1,
      });
    for (const [name, { lambda }] of Object.entries(functions))
      this.add(`${name}Errors`, {
        description: `The ${name} function fails; see its log.`,
        metric: lambda.metricErrors({ period: FIVE_MINUTES }),
        threshold: FUNCTION_ERRORS,
      });
    this.addAll(backend.jobTroubles);
    this.add("SweepSilent", {
      description: "The sweep does not run, and what is lost stays lost.",
      metric: functions.Sweep.lambda.metricInvocations({ period: SWEEP_SILENCE }),
      threshold: 1,
      isWanted: true,
    });
    this.addAll(backend.costTroubles);
  }

  private addAll(troubles: Troubles): void {
    for (const [id, trouble] of Object.entries(troubles)) this.add(id, trouble);
  }

  private add(id: string, { description, periods = 1, isWanted = false, ...trouble }: Trouble): void {
    new Alarm(this, id, {
      ...trouble,
      alarmDescription: description,
      evaluationPeriods: periods,
      ...(isWanted
        ? {
            comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
            treatMissingData: TreatMissingData.BREACHING,
          }
        : {
            comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treatMissingData: TreatMissingData.NOT_BREACHING,
          }),
    }).addAlarmAction(new SnsAction(this.topic));
  }
}
