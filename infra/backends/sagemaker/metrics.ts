import { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";

/** Names of an endpoint and of its only variant. */
export interface EndpointNames {
  readonly endpointName: string;
  readonly variantName: string;
}

/** @see Amazon SageMaker developer guide, "Monitor asynchronous endpoint" */
export function queueMetric({ endpointName }: EndpointNames, metricName: string): Metric {
  return new Metric({
    namespace: "AWS/SageMaker",
    metricName,
    dimensionsMap: { EndpointName: endpointName },
    statistic: "Maximum",
    period: Duration.minutes(1),
  });
}

/** Number of CPU utilization samples in a period. It is above zero while there are instances, since each reports. */
export function instanceReports(names: EndpointNames, period: Duration): Metric {
  return instanceMetric(names, "CPUUtilization").with({ statistic: "SampleCount", period });
}

/** @see Amazon SageMaker developer guide, "SageMaker AI endpoint metrics" */
export function instanceMetric({ endpointName, variantName }: EndpointNames, metricName: string): Metric {
  return new Metric({
    namespace: "/aws/sagemaker/Endpoints",
    metricName,
    dimensionsMap: { EndpointName: endpointName, VariantName: variantName },
    statistic: "Maximum",
    period: Duration.minutes(1),
  });
}
