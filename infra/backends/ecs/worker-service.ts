import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { CfnCluster, CfnService } from "aws-cdk-lib/aws-ecs";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { DeploymentConfig } from "../../config.ts";
import { HintQueue } from "../../hint-queue.ts";
import type { ContainerImage } from "../../image/gpu-image.ts";
import { Capacity, placeOf } from "./capacity.ts";
import type { ServiceNames } from "./metrics.ts";
import { Network } from "./network.ts";
import { WorkerTask } from "./worker-task.ts";

export interface WorkerServiceProps {
  readonly config: DeploymentConfig;
  readonly image: ContainerImage;
}

/**
 * A sixth of the time for which a message is hidden from other workers, which renew it; see
 * functions/gpu/queue-turns.ts.
 */
const TURN_TIMEOUT = Duration.seconds(20);

/** ECS service of workers that pull jobs from a queue, on instances that ECS starts and removes. */
export class WorkerService extends Construct implements ServiceNames {
  readonly clusterName: string;
  readonly serviceName: string;
  readonly runs: HintQueue;
  readonly queue: IQueue;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, { config, image }: WorkerServiceProps) {
    super(scope, id);
    this.runs = new HintQueue(this, "Runs", { consumerTimeout: TURN_TIMEOUT });
    this.queue = this.runs.queue;
    this.logGroup = new LogGroup(this, "Log", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.clusterName = `${config.name}-workers`;
    const cluster = new CfnCluster(this, "Cluster", { clusterName: this.clusterName });
    Validations.of(cluster).acknowledge({
      id: "AwsSolutions-ECS4",
      reason: "Container Insights is billed for each task and metric; the alarms need none of it.",
    });
    const network = new Network(this, `Network${config.network?.vpcId ?? ""}`, config.network);
    const capacity = new Capacity(this, "Capacity", { config, cluster, network });
    const task = new WorkerTask(this, "Task", {
      config,
      image,
      runs: this.runs,
      logGroup: this.logGroup,
      taskArns: Stack.of(this).formatArn({
        service: "ecs",
        resource: "task",
        resourceName: `${this.clusterName}/*`,
      }),
    });
    const service = new CfnService(this, `Service${placeOf(config)}`, {
      cluster: cluster.ref,
      taskDefinition: task.definition.ref,
      capacityProviderStrategy: [{ capacityProvider: capacity.providerName, weight: 1 }],
      // Without a desired count CloudFormation leaves alone what the scaling has set. It begins with one task, as an
      // endpoint does, which shows that the image starts and is removed when there is no job.
      schedulingStrategy: "REPLICA",
      availabilityZoneRebalancing: "DISABLED",
      propagateTags: "SERVICE",
      enableEcsManagedTags: true,
      deploymentConfiguration: {
        // The quota of GPUs may not allow for a second one. Protected tasks end their jobs first.
        minimumHealthyPercent: 0,
        maximumPercent: 100,
        deploymentCircuitBreaker: { enable: true, rollback: true },
      },
    });
    service.node.addDependency(network, task);
    this.serviceName = service.attrName;
  }
}
