import { Stack, Validations } from "aws-cdk-lib";
import { CfnTaskDefinition } from "aws-cdk-lib/aws-ecs";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { DeployedVariables } from "../../../lib/shared/variables.ts";
import type { DeploymentConfig } from "../../config.ts";
import type { HintQueue } from "../../hint-queue.ts";
import type { ContainerImage } from "../../image/gpu-image.ts";
import { hasGpu, typesOf } from "../instance-types.ts";
import { grantWork, workerEnvironment } from "../worker.ts";

export interface WorkerTaskProps {
  readonly config: DeploymentConfig;
  readonly image: ContainerImage;
  readonly runs: HintQueue;
  readonly logGroup: LogGroup;
  /** ARNs of the cluster's tasks, as a pattern: they may protect themselves. */
  readonly taskArns: string;
}

/** Share of an instance's processors and memory that the container gets; the rest is for the system and the agent. */
const SHARE = 7 / 8;

const PORT = 8080;

/** Maximum run time: the maximum lifetime of a job, since nothing ends a run before. */
const RUN_MS_MAX = 21_600_000;

/** Seconds between the signal to stop and the end: as long as the notice of a Spot instance. */
const STOP_SECONDS = 120;

/**
 * Time for a running job after that signal; the rest is for its release and what the worker has to do before it
 * exits.
 */
const STOP_GRACE_MS = 105_000;

/** Tells whether the worker answers that it is well. It listens once it has the model, which may take a while. */
const HEALTH: CfnTaskDefinition.HealthCheckProperty = {
  command: [
    "CMD",
    "node",
    "-e",
    `fetch("http://127.0.0.1:${PORT}/ping").then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`,
  ],
  interval: 120,
  timeout: 10,
  retries: 10,
  startPeriod: 300,
};

/** Task with one worker, which pulls its turns and has an instance for itself. */
export class WorkerTask extends Construct {
  readonly definition: CfnTaskDefinition;

  constructor(scope: Construct, id: string, props: WorkerTaskProps) {
    super(scope, id);
    const { config, image, runs, logGroup } = props;
    const types = typesOf(config);
    const share = (values: readonly number[]) => String(Math.floor(Math.min(...values) * SHARE));
    const environment: DeployedVariables<"gpu" | "sdk"> = {
      ...workerEnvironment(config, { runMsMax: RUN_MS_MAX }),
      RUNS_QUEUE_URL: runs.queue.queueUrl,
      HOST: "127.0.0.1",
      STOP_GRACE_MS: String(STOP_GRACE_MS),
    };
    this.definition = new CfnTaskDefinition(this, "Definition", {
      requiresCompatibilities: ["MANAGED_INSTANCES"],
      // The only mode in which the container has the instance's public address: tasks cannot have their own.
      networkMode: "host",
      cpu: share(types.map(({ vcpus }) => vcpus * 1024)),
      memory: share(types.map(({ memoryGib }) => memoryGib * 1024)),
      runtimePlatform: { cpuArchitecture: "X86_64", operatingSystemFamily: "LINUX" },
      taskRoleArn: this.taskRole(props).roleArn,
      executionRoleArn: this.executionRole(props).roleArn,
      containerDefinitions: [
        {
          name: "worker",
          image: image.uri,
          command: ["pull"],
          environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
          healthCheck: HEALTH,
          stopTimeout: STOP_SECONDS,
          ...(hasGpu(config) && { resourceRequirements: [{ type: "GPU", value: "1" }] }),
          logConfiguration: {
            logDriver: "awslogs",
            options: {
              "awslogs-group": logGroup.logGroupName,
              "awslogs-region": config.region,
              "awslogs-stream-prefix": "worker",
            },
          },
        },
      ],
    });
    Validations.of(this.definition).acknowledge({
      id: "AwsSolutions-ECS2",
      reason: "The variables are names of resources and settings; a secret is read by its name at the start.",
    });
  }

  /** Creates the role of the container. */
  private taskRole({ config, runs, taskArns }: WorkerTaskProps): Role {
    const role = new Role(this, "Role", { assumedBy: this.tasks() });
    grantWork(role, config);
    runs.queue.grant(
      role,
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:ChangeMessageVisibility",
      "sqs:SendMessage",
    );
    role.addToPolicy(new PolicyStatement({ actions: ["ecs:UpdateTaskProtection"], resources: [taskArns] }));
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${taskArns}]`,
      reason: "ECS names the tasks when it starts them; the cluster is the boundary.",
    });
    return role;
  }

  /** Creates the role with which ECS pulls the image and writes the log. */
  private executionRole({ image, logGroup }: WorkerTaskProps): Role {
    const role = new Role(this, "ExecutionRole", { assumedBy: this.tasks() });
    image.grantPull(role);
    logGroup.grantWrite(role);
    return role;
  }

  private tasks(): ServicePrincipal {
    const conditions = { StringEquals: { "aws:SourceAccount": Stack.of(this).account } };
    return new ServicePrincipal("ecs-tasks.amazonaws.com", { conditions });
  }
}
