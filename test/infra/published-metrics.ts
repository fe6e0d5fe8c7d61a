/** Metrics that are published with the same sets of dimensions. */
interface MetricGroup {
  readonly names: readonly string[];
  /** Each set of dimensions under which every one of the metrics is published; CloudWatch finds no other. */
  readonly dimensions: readonly (readonly string[])[];
  /** Statistics that the publisher calls valid; all of CloudWatch's where this is missing. */
  readonly statistics?: readonly string[];
}

/** Namespace of CloudWatch, with the page that says what is in it. */
interface Namespace {
  /** Page of AWS's documentation, or our own code that publishes. */
  readonly source: string;
  /** The only region that has the metrics; null if they are in that of the resource. */
  readonly region: "us-east-1" | null;
  /** Values of dimensions that are not the name of a resource. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly groups: readonly MetricGroup[];
}

/** Metrics as their publishers document them: all that the templates use, and their near neighbours. */
export const PUBLISHED_METRICS: Readonly<Record<string, Namespace>> = {
  "AWS/CloudFront": {
    source: 'Amazon CloudFront developer guide, "Types of metrics for CloudFront"',
    region: "us-east-1",
    values: { Region: ["Global"] },
    groups: [
      {
        names: ["Requests", "BytesDownloaded", "BytesUploaded"],
        dimensions: [["DistributionId", "Region"]],
        statistics: ["Sum"],
      },
      {
        names: ["4xxErrorRate", "5xxErrorRate", "TotalErrorRate", "LambdaExecutionError"],
        dimensions: [["DistributionId", "Region"]],
        statistics: ["Average"],
      },
      {
        names: ["FunctionInvocations", "FunctionValidationErrors", "FunctionExecutionErrors"],
        dimensions: [["FunctionName", "Region"]],
        statistics: ["Sum"],
      },
    ],
  },
  "AWS/Billing": {
    source: 'AWS Billing user guide, "Creating a billing alarm to monitor your estimated AWS charges"',
    region: "us-east-1",
    values: { Currency: ["USD"] },
    groups: [
      {
        names: ["EstimatedCharges"],
        dimensions: [["Currency"], ["ServiceName", "Currency"], ["LinkedAccount", "Currency"]],
      },
    ],
  },
  "AWS/WAFV2": {
    source:
      'AWS WAF developer guide, "AWS WAF metrics and dimensions"; a firewall of CloudFront has no Region',
    region: null,
    values: {},
    groups: [
      {
        names: ["AllowedRequests", "BlockedRequests", "CountedRequests"],
        dimensions: [
          ["WebACL", "Rule"],
          ["WebACL", "Rule", "Region"],
        ],
      },
    ],
  },
  "AWS/Lambda": {
    source: 'AWS Lambda developer guide, "Types of metrics for Lambda functions"',
    region: null,
    values: {},
    groups: [
      {
        names: ["Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"],
        dimensions: [
          [],
          ["FunctionName"],
          ["FunctionName", "Resource"],
          ["FunctionName", "Resource", "ExecutedVersion"],
        ],
      },
      {
        names: ["AsyncEventsReceived", "AsyncEventAge", "AsyncEventsDropped"],
        dimensions: [["FunctionName"], ["FunctionName", "Resource"]],
      },
      { names: ["UnreservedConcurrentExecutions"], dimensions: [[]] },
    ],
  },
  "AWS/SQS": {
    source: 'Amazon SQS developer guide, "Available CloudWatch metrics for Amazon SQS"',
    region: null,
    values: {},
    groups: [
      {
        names: [
          "ApproximateAgeOfOldestMessage",
          "ApproximateNumberOfMessagesDelayed",
          "ApproximateNumberOfMessagesNotVisible",
          "ApproximateNumberOfMessagesVisible",
          "ApproximateNumberOfGroupsWithInflightMessages",
          "NumberOfEmptyReceives",
          "NumberOfMessagesDeleted",
          "NumberOfMessagesReceived",
          "NumberOfMessagesSent",
          "SentMessageSize",
        ],
        dimensions: [["QueueName"]],
      },
    ],
  },
  "AWS/SNS": {
    source: 'Amazon SNS developer guide, "Monitoring Amazon SNS topics using CloudWatch"',
    region: null,
    values: {},
    groups: [
      {
        names: [
          "NumberOfMessagesPublished",
          "NumberOfNotificationsDelivered",
          "NumberOfNotificationsFailed",
          "NumberOfNotificationsFilteredOut",
          "PublishSize",
        ],
        dimensions: [["TopicName"]],
      },
    ],
  },
  "AWS/S3": {
    source:
      'Amazon S3 user guide, "Metrics and dimensions"; requests are only counted where that is configured',
    region: null,
    values: { StorageType: ["StandardStorage", "StandardIAStorage", "AllStorageTypes"] },
    groups: [{ names: ["BucketSizeBytes", "NumberOfObjects"], dimensions: [["BucketName", "StorageType"]] }],
  },
  "AWS/SageMaker": {
    source:
      'Amazon SageMaker AI developer guide, "Alarms and logs for tracking metrics from asynchronous endpoints"',
    region: null,
    values: {},
    groups: [
      {
        names: [
          "ApproximateBacklogSize",
          "ApproximateBacklogSizePerInstance",
          "ApproximateAgeOfOldestRequest",
          "HasBacklogWithoutCapacity",
        ],
        dimensions: [["EndpointName"]],
      },
      {
        names: [
          "Invocation4XXErrors",
          "Invocation5XXErrors",
          "ModelLatency",
          "RequestDownloadFailures",
          "ResponseUploadFailures",
          "NotificationFailures",
          "RequestDownloadLatency",
          "ResponseUploadLatency",
          "ExpiredRequests",
          "InvocationFailures",
          // Published with three s.
          "InvocationsProcesssed",
          "TimeInBacklog",
          "TotalProcessingTime",
        ],
        dimensions: [["EndpointName", "VariantName"]],
      },
    ],
  },
  "/aws/sagemaker/Endpoints": {
    source: 'Amazon SageMaker AI developer guide, "SageMaker AI endpoint metrics"',
    region: null,
    values: {},
    groups: [
      {
        names: [
          "CPUUtilization",
          "MemoryUtilization",
          "GPUUtilization",
          "GPUMemoryUtilization",
          "DiskUtilization",
        ],
        dimensions: [["EndpointName", "VariantName"]],
      },
    ],
  },
  "AWS/ECS": {
    source: 'Amazon ECS developer guide, "Amazon ECS CloudWatch metrics"',
    region: null,
    values: {},
    groups: [
      {
        names: ["CPUUtilization", "MemoryUtilization"],
        dimensions: [["ClusterName"], ["ClusterName", "ServiceName"]],
      },
      {
        names: ["CPUReservation", "MemoryReservation", "GPUReservation"],
        dimensions: [["ClusterName"]],
      },
    ],
  },
  "ECS/ContainerInsights": {
    source:
      'Amazon CloudWatch user guide, "Amazon ECS Container Insights metrics"; only where a cluster has them on',
    region: null,
    values: {},
    groups: [
      {
        names: ["DesiredTaskCount", "RunningTaskCount", "PendingTaskCount"],
        dimensions: [["ClusterName", "ServiceName"]],
      },
    ],
  },
  Adareel: {
    source: "functions/sweep/sweep.ts",
    region: null,
    values: {},
    groups: [{ names: ["UnfinishedJobs"], dimensions: [["Deployment"]] }],
  },
};
