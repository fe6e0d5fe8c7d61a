import { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { IQueue } from "aws-cdk-lib/aws-sqs";

const MINUTE = Duration.minutes(1);

/** Names by which ECS publishes the metrics of a service. */
export interface ServiceNames {
  readonly clusterName: string;
  readonly serviceName: string;
}

/** Number of messages that wait for a worker. @see Amazon SQS developer guide, "Available CloudWatch metrics" */
export function waitingRuns(queue: IQueue): Metric {
  return maximum(queue, "ApproximateNumberOfMessagesVisible");
}

/** Number of messages whose turns are being taken: a worker has one for as long as it works. */
export function heldRuns(queue: IQueue): Metric {
  return maximum(queue, "ApproximateNumberOfMessagesNotVisible");
}

function maximum({ queueName }: IQueue, metricName: string): Metric {
  return new Metric({
    namespace: "AWS/SQS",
    metricName,
    dimensionsMap: { QueueName: queueName },
    statistic: "Maximum",
    period: MINUTE,
  });
}

/**
 * Number of reports of the tasks of a service in a period. Each running task reports once a minute.
 *
 * @see Amazon ECS developer guide, "Amazon ECS CloudWatch metrics": the RUNNING task count of a service
 */
export function taskReports(names: ServiceNames, period: Duration): Metric {
  return serviceMetric(names, "CPUUtilization").with({ statistic: "SampleCount", period });
}

export function serviceMetric({ clusterName, serviceName }: ServiceNames, metricName: string): Metric {
  return new Metric({
    namespace: "AWS/ECS",
    metricName,
    dimensionsMap: { ClusterName: clusterName, ServiceName: serviceName },
    statistic: "Maximum",
    period: MINUTE,
  });
}
