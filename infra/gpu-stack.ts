import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { DeployedVariables } from "../lib/shared/variables.ts";
import { Alarms } from "./alarms.ts";
import type { BackendConstructs, MakeBackend } from "./backends/backend.ts";
import type { DeploymentConfig } from "./config.ts";
import { Dashboard } from "./dashboard.ts";
import type { DataStack } from "./data-stack.ts";
import { grantFolders } from "./folder-access.ts";
import { HintQueue } from "./hint-queue.ts";
import { JobFunction, type JobFunctionName, type PlaceVariables } from "./job-function.ts";
import { functionGraphs, jobGraph, storageGraph, webhookTable } from "./job-graphs.ts";
import { FOLDERS, globalName, sharedNames } from "./names.ts";
import { grantMasterKey } from "./secret-access.ts";
import { SweepSchedule } from "./sweep-schedule.ts";

export interface GpuStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly data: DataStack;
  readonly makeBackend: MakeBackend;
}

/** Stack that processes jobs: the backend that runs them, and the small functions around it. */
export class GpuStack extends Stack {
  private readonly config: DeploymentConfig;
  private readonly data: DataStack;
  private readonly bucket: string;

  constructor(scope: Construct, id: string, { config, data, makeBackend, ...props }: GpuStackProps) {
    super(scope, id, props);
    this.config = config;
    this.data = data;
    this.bucket = sharedNames(config).bucket;

    const backend = makeBackend(this, config);
    const events = this.endsOf(backend);
    const sends = new HintQueue(this, "Sends", {
      consumerTimeout: data.webhooks.consumerTimeout,
      isFifo: true,
    });

    const functions = {
      Dispatch: this.dispatch(backend),
      ...(events && { Settle: this.settle(events) }),
      Webhook: this.webhook(sends),
      Sweep: this.sweep(backend),
    };
    new SweepSchedule(this, "SweepSchedule", functions.Sweep);
    const queues = {
      Work: data.work,
      ...(events && { Events: events }),
      Webhooks: data.webhooks,
      Sends: sends,
    };
    const alarms = new Alarms(this, "Alarms", { config, backend, queues, functions });
    const { url: dashboard } = new Dashboard(this, "Watch", {
      name: `${globalName(config)}-jobs`,
      alarms: alarms.all,
      graphs: [
        jobGraph(config, backend.graphs.waiting),
        ...backend.graphs.jobs,
        ...functionGraphs({ queues, functions }),
        webhookTable(functions.Webhook),
        ...backend.graphs.instances,
        storageGraph(config),
      ],
    });

    for (const [id, value] of Object.entries(backend.outputs)) new CfnOutput(this, id, { value });
    new CfnOutput(this, "Dashboard", { value: dashboard });
    if (events) new CfnOutput(this, "EventDeadLetters", { value: events.deadLetters.queueUrl });
    new CfnOutput(this, "SendDeadLetters", { value: sends.deadLetters.queueUrl });
  }

  /** Creates the queue of ended runs, where the backend tells of them. */
  private endsOf({ tellEnds }: BackendConstructs): HintQueue | null {
    if (!tellEnds) return null;
    const events = new HintQueue(this, "Events", { consumerTimeout: Duration.seconds(30) });
    tellEnds(events);
    return events;
  }

  /** Creates the function that submits jobs to the backend and ends expired ones. */
  private dispatch(backend: BackendConstructs): JobFunction {
    const { work, webhooks } = this.data;
    const { consumerTimeout } = work;
    const dispatch = this.jobFunction("dispatch", consumerTimeout, { ...this.places, ...backend.variables });
    dispatch.consume(work, { concurrencyMax: 2 });
    grantFolders(dispatch.role, this.bucket, {
      read: [FOLDERS.jobs],
      write: [FOLDERS.jobs, FOLDERS.undelivered],
      delete: [FOLDERS.unfinished],
    });
    webhooks.grantSend(dispatch.role);
    backend.grantSubmit(dispatch.role);
    dispatch.lambda.node.addDependency(backend.resource);
    return dispatch;
  }

  /** Creates the function that handles the backend's notifications of ended runs. */
  private settle(events: HintQueue): JobFunction {
    const { work, webhooks } = this.data;
    const settle = this.jobFunction("settle", events.consumerTimeout, this.places);
    settle.consume(events, { concurrencyMax: 2 });
    grantFolders(settle.role, this.bucket, { read: [FOLDERS.jobs], write: [FOLDERS.jobs] });
    work.grantSend(settle.role);
    webhooks.grantSend(settle.role);
    return settle;
  }

  /**
   * Creates the function that plans and sends webhooks. It plans jobs from one queue, and sends what is due from
   * the other. It schedules the next delivery through the first, because a message of a FIFO queue cannot wait.
   */
  private webhook(sends: HintQueue): JobFunction {
    const { webhooks } = this.data;
    const { domain, sendersMax } = this.config;
    const webhook = this.jobFunction("webhook", webhooks.consumerTimeout, {
      ...this.places,
      SENDS_QUEUE_URL: sends.queue.queueUrl,
      MASTER_SECRET_ID: sharedNames(this.config).masterSecret,
      ...(domain && { BLOCKED_HOSTS: domain.name }),
    });
    webhook.consume(webhooks, { concurrencyMax: 2 });
    // A batch would wait for the slowest of its receivers.
    webhook.consume(sends, { concurrencyMax: sendersMax, batchSize: 1 });
    grantFolders(webhook.role, this.bucket, {
      read: [FOLDERS.jobs, FOLDERS.undelivered, FOLDERS.webhookEndpoints],
      write: [FOLDERS.jobs, FOLDERS.undelivered, FOLDERS.webhookEndpoints],
      delete: [FOLDERS.undelivered],
    });
    webhooks.grantSend(webhook.role);
    sends.grantSend(webhook.role);
    grantMasterKey(webhook.role, this.config);
    return webhook;
  }

  /** Creates the function that repeats lost hints and repairs the state of jobs. */
  private sweep(backend: BackendConstructs): JobFunction {
    const { work, webhooks } = this.data;
    const sweep = this.jobFunction("sweep", Duration.minutes(5), {
      ...this.places,
      ...backend.variables,
      DEPLOYMENT: this.config.name,
    });
    grantFolders(sweep.role, this.bucket, {
      read: [FOLDERS.jobs, FOLDERS.unfinished, FOLDERS.undelivered],
      write: [FOLDERS.jobs, FOLDERS.unfinished, FOLDERS.undelivered],
      delete: [FOLDERS.unfinished, FOLDERS.undelivered, FOLDERS.inputs],
      list: [FOLDERS.inputs],
    });
    work.grantSend(sweep.role);
    webhooks.grantSend(sweep.role);
    backend.grantWatch(sweep.role);
    sweep.lambda.node.addDependency(backend.resource);
    return sweep;
  }

  /** Environment variables that tell a function where the bucket and the queues are. */
  private get places(): PlaceVariables {
    const { work, webhooks } = this.data;
    return {
      STORE: `s3://${this.bucket}`,
      WORK_QUEUE_URL: work.queue.queueUrl,
      WEBHOOKS_QUEUE_URL: webhooks.queue.queueUrl,
    };
  }

  private jobFunction<Name extends JobFunctionName>(
    folder: Name,
    timeout: Duration,
    environment: DeployedVariables<Name>,
  ): JobFunction<Name> {
    const id = folder[0]!.toUpperCase() + folder.slice(1);
    return new JobFunction(this, id, { folder, timeout, environment });
  }
}
