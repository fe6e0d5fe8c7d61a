import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { Construct } from "constructs";
import type { DeploymentConfig } from "./config.ts";
import type { GpuEndpoint } from "./gpu-endpoint.ts";
import type { HintQueue } from "./hint-queue.ts";
import type { JobFunction } from "./job-function.ts";
import { instanceReports, queueMetric, unfinishedJobs } from "./metrics.ts";
import { OpsTopic } from "./ops-topic.ts";

export interface AlarmsProps {
  readonly config: DeploymentConfig;
  readonly endpoint: GpuEndpoint;
  /** Queues by the name used in their alarms; the functions too. */
  readonly queues: Readonly<Record<string, HintQueue>>;
  readonly functions: Readonly<Record<string, JobFunction>> & { readonly Sweep: JobFunction };
}

interface Trouble {
  readonly description: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** Number of consecutive periods that must be in alarm; 1 by default. */
  readonly periods?: number;
  /** True if the alarm is for values below the threshold or missing data, instead of values that reach it. */
  readonly isWanted?: boolean;
}

const OLDEST_REQUEST_SECONDS = 15 * 60;
const FUNCTION_ERRORS = 3;
const SWEEP_SILENCE = Duration.minutes(10);

/** Longer than idle instances wait for another job. */
const LEAK_MINUTES = 60;

const FIVE_MINUTES = Duration.minutes(5);

/** Alarms for failures that the service does not repair itself, or had to repair often. */
export class Alarms extends Construct {
  private readonly topic: OpsTopic;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { config, endpoint, queues, functions } = props;
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
    this.add("OldestRequest", {
      description: "A job waits for an instance: is the quota above zero, is there capacity, does it start?",
      metric: queueMetric(endpoint, "ApproximateAgeOfOldestRequest"),
      threshold: OLDEST_REQUEST_SECONDS,
    });
    this.add("FailedInvocations", {
      description:
        "SageMaker could not get a job done; the sweep tries again, and the endpoint's log says why.",
      metric: endpoint.failures.metricNumberOfMessagesPublished({ period: FIVE_MINUTES }),
      threshold: 1,
    });
    this.add("SweepSilent", {
      description: "The sweep does not run, and what is lost stays lost.",
      metric: functions.Sweep.lambda.metricInvocations({ period: SWEEP_SILENCE }),
      threshold: 1,
      isWanted: true,
    });
    this.add("GpuLeak", {
      description: "Instances run and nobody has a job for them: scale the endpoint to zero by hand.",
      metric: leak(config, endpoint),
      threshold: 1,
      periods: Math.ceil((LEAK_MINUTES + config.idleMinutes) / FIVE_MINUTES.toMinutes()),
    });
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

/**
 * Metric of instances that report while there are no jobs. Five minutes contain two sweeps, so a job is never
 * missed.
 */
function leak({ name }: DeploymentConfig, endpoint: GpuEndpoint): MathExpression {
  return new MathExpression({
    expression: "IF(FILL(unfinished, 0) > 0, 0, reports)",
    usingMetrics: {
      unfinished: unfinishedJobs(name, FIVE_MINUTES),
      reports: instanceReports(endpoint, FIVE_MINUTES),
    },
    period: FIVE_MINUTES,
    label: "Idle instances",
  });
}
