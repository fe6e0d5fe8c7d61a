import { Duration, Stack } from "aws-cdk-lib";
import { PolicyStatement, type Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface HintQueueProps {
  /** How long the function may run that takes the messages. */
  readonly consumerTimeout: Duration;
}

/** AWS Lambda developer guide, "Using Lambda with Amazon SQS": so that a throttled batch is not brought twice. */
const VISIBILITY_PER_TIMEOUT = 6;

const RECEIVES_MAX = 5;

/** A queue for messages that say where to look, and one for those that could not be handled. */
export class HintQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly consumerTimeout: Duration;

  constructor(scope: Construct, id: string, { consumerTimeout }: HintQueueProps) {
    super(scope, id);
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.consumerTimeout = consumerTimeout;
    this.deadLetters = new Queue(this, "DeadLetters", { ...common, retentionPeriod: Duration.days(14) });
    this.queue = new Queue(this, "Queue", {
      ...common,
      visibilityTimeout: Duration.seconds(consumerTimeout.toSeconds() * VISIBILITY_PER_TIMEOUT),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: RECEIVES_MAX },
    });
  }

  /** Lets a service of AWS send, for one resource of this account. */
  acceptFrom(service: "s3" | "sns", sourceArn: string): void {
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        actions: ["sqs:SendMessage"],
        principals: [new ServicePrincipal(`${service}.amazonaws.com`)],
        resources: [this.queue.queueArn],
        conditions: {
          ArnEquals: { "aws:SourceArn": sourceArn },
          // A bucket's ARN does not say whose it is, as a topic's does.
          ...(service === "s3" && { StringEquals: { "aws:SourceAccount": Stack.of(this).account } }),
        },
      }),
    );
  }

  grantSend(role: Role): void {
    this.queue.grant(role, "sqs:SendMessage");
  }
}
