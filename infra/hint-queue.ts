import { Duration, Stack } from "aws-cdk-lib";
import { PolicyStatement, type Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface HintQueueProps {
  /** Timeout of the function that receives the messages. */
  readonly consumerTimeout: Duration;
  /** True for a FIFO queue, which gives the messages of one group to one consumer at a time; false by default. */
  readonly isFifo?: boolean;
}

/**
 * Visibility timeout of messages over the function's timeout, so that a throttled batch is not received twice.
 *
 * @see AWS Lambda developer guide, "Using Lambda with Amazon SQS"
 */
const VISIBILITY_PER_TIMEOUT = 6;

const RECEIVES_MAX = 5;

/** Limits of a FIFO queue counted for each group, instead of 300 messages a second for all. */
const HIGH_THROUGHPUT = {
  deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
  fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
};

/** Queue of hints, and a dead-letter queue for messages that could not be handled. */
export class HintQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly consumerTimeout: Duration;

  constructor(scope: Construct, id: string, { consumerTimeout, isFifo = false }: HintQueueProps) {
    super(scope, id);
    const common = {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      ...(isFifo && { fifo: true }),
    };
    // The name of a FIFO queue must end in .fifo, so it is not left to be generated.
    const named = (name: string) => (isFifo ? { queueName: `${Stack.of(this).stackName}-${name}.fifo` } : {});
    this.consumerTimeout = consumerTimeout;
    this.deadLetters = new Queue(this, "DeadLetters", {
      ...common,
      ...named(`${id}-DeadLetters`),
      retentionPeriod: Duration.days(14),
    });
    this.queue = new Queue(this, "Queue", {
      ...common,
      ...named(id),
      ...(isFifo && HIGH_THROUGHPUT),
      visibilityTimeout: Duration.seconds(consumerTimeout.toSeconds() * VISIBILITY_PER_TIMEOUT),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: RECEIVES_MAX },
    });
  }

  /** Lets an AWS service send messages on behalf of one resource of this account. */
  acceptFrom(service: "s3" | "sns", sourceArn: string): void {
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        actions: ["sqs:SendMessage"],
        principals: [new ServicePrincipal(`${service}.amazonaws.com`)],
        resources: [this.queue.queueArn],
        conditions: {
          ArnEquals: { "aws:SourceArn": sourceArn },
          // A bucket's ARN does not contain its account, as a topic's does.
          ...(service === "s3" && { StringEquals: { "aws:SourceAccount": Stack.of(this).account } }),
        },
      }),
    );
  }

  grantSend(role: Role): void {
    this.queue.grant(role, "sqs:SendMessage");
  }
}
