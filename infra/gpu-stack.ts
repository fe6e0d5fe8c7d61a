import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import { Subscription, SubscriptionProtocol } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { Alarms } from "./alarms.ts";
import type { DeploymentConfig } from "./config.ts";
import type { DataStack } from "./data-stack.ts";
import { grantFolders } from "./folder-access.ts";
import { GpuEndpoint } from "./gpu-endpoint.ts";
import { GpuImage } from "./gpu-image.ts";
import { GpuScaling } from "./gpu-scaling.ts";
import { HintQueue } from "./hint-queue.ts";
import { JobFunction } from "./job-function.ts";
import { grantMasterKey } from "./master-key-access.ts";
import { FOLDERS, sharedNames } from "./names.ts";
import { SweepSchedule } from "./sweep-schedule.ts";

export interface GpuStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly data: DataStack;
}

/** What brings jobs forward: the endpoint that runs them, and the small functions around it. */
export class GpuStack extends Stack {
  private readonly config: DeploymentConfig;
  private readonly data: DataStack;
  private readonly bucket: string;

  constructor(scope: Construct, id: string, { config, data, ...props }: GpuStackProps) {
    super(scope, id, props);
    this.config = config;
    this.data = data;
    this.bucket = sharedNames(config).bucket;

    const image = new GpuImage(this, "Image", { config });
    const endpoint = new GpuEndpoint(this, "Endpoint", { config, image });
    new GpuScaling(this, "Scaling", { config, endpoint });
    const events = new HintQueue(this, "Events", { consumerTimeout: Duration.seconds(30) });
    tell(events, endpoint);

    const functions = {
      Dispatch: this.dispatch(endpoint),
      Settle: this.settle(events),
      Webhook: this.webhook(),
      Sweep: this.sweep(endpoint),
    };
    new SweepSchedule(this, "SweepSchedule", functions.Sweep);
    const queues = { Work: data.work, Events: events, Webhooks: data.webhooks };
    new Alarms(this, "Alarms", { config, endpoint, queues, functions });

    new CfnOutput(this, "EndpointName", { value: endpoint.endpointName });
    new CfnOutput(this, "EventDeadLetters", { value: events.deadLetters.queueUrl });
  }

  /** Puts jobs into the endpoint's queue, and ends those whose time is over. */
  private dispatch(endpoint: GpuEndpoint): JobFunction {
    const { work, webhooks } = this.data;
    const { consumerTimeout } = work;
    const dispatch = this.jobFunction("Dispatch", consumerTimeout, { ENDPOINT_NAME: endpoint.endpointName });
    dispatch.consume(work, { concurrencyMax: 2 });
    grantFolders(dispatch.role, this.bucket, {
      read: [FOLDERS.jobs],
      write: [FOLDERS.jobs, FOLDERS.undelivered],
      delete: [FOLDERS.unfinished],
    });
    webhooks.grantSend(dispatch.role);
    endpoint.grantInvoke(dispatch.role);
    dispatch.lambda.node.addDependency(endpoint.resource);
    return dispatch;
  }

  /** Hears how invocations ended. */
  private settle(events: HintQueue): JobFunction {
    const { work, webhooks } = this.data;
    const settle = this.jobFunction("Settle", events.consumerTimeout);
    settle.consume(events, { concurrencyMax: 2 });
    grantFolders(settle.role, this.bucket, { read: [FOLDERS.jobs], write: [FOLDERS.jobs] });
    work.grantSend(settle.role);
    webhooks.grantSend(settle.role);
    return settle;
  }

  /** Delivers webhooks, and comes again when the next is due. */
  private webhook(): JobFunction {
    const { webhooks } = this.data;
    const { domain } = this.config;
    const webhook = this.jobFunction("Webhook", webhooks.consumerTimeout, {
      MASTER_SECRET_ID: sharedNames(this.config).masterSecret,
      ...(domain && { BLOCKED_HOSTS: domain.name }),
    });
    webhook.consume(webhooks, { concurrencyMax: 5 });
    grantFolders(webhook.role, this.bucket, {
      read: [FOLDERS.jobs, FOLDERS.undelivered, FOLDERS.webhookEndpoints],
      write: [FOLDERS.jobs, FOLDERS.webhookEndpoints],
      delete: [FOLDERS.undelivered],
    });
    webhooks.grantSend(webhook.role);
    grantMasterKey(webhook.role, this.config);
    return webhook;
  }

  /** Repairs whatever was lost. */
  private sweep(endpoint: GpuEndpoint): JobFunction {
    const { work, webhooks } = this.data;
    const sweep = this.jobFunction("Sweep", Duration.minutes(5), {
      ENDPOINT_NAME: endpoint.endpointName,
      DEPLOYMENT: this.config.name,
    });
    grantFolders(sweep.role, this.bucket, {
      read: [FOLDERS.jobs, FOLDERS.unfinished],
      list: [FOLDERS.undelivered],
      write: [FOLDERS.jobs, FOLDERS.undelivered],
      delete: [FOLDERS.unfinished],
    });
    work.grantSend(sweep.role);
    webhooks.grantSend(sweep.role);
    sweep.lambda.node.addDependency(endpoint.resource);
    return sweep;
  }

  private jobFunction(id: string, timeout: Duration, own: Record<string, string> = {}): JobFunction {
    const { work, webhooks } = this.data;
    return new JobFunction(this, id, {
      folder: id.toLowerCase(),
      timeout,
      environment: {
        STORE: `s3://${this.bucket}`,
        WORK_QUEUE_URL: work.queue.queueUrl,
        WEBHOOKS_QUEUE_URL: webhooks.queue.queueUrl,
        ...own,
      },
    });
  }
}

/** What SageMaker tells of an endpoint's invocations, as it tells it. */
function tell(events: HintQueue, { successes, failures }: GpuEndpoint): void {
  for (const topic of [successes, failures]) {
    events.acceptFrom("sns", topic.topicArn);
    new Subscription(topic, "Events", {
      topic,
      protocol: SubscriptionProtocol.SQS,
      endpoint: events.queue.queueArn,
      rawMessageDelivery: true,
      deadLetterQueue: events.deadLetters,
    });
  }
}
