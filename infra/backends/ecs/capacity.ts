import { Stack, Validations } from "aws-cdk-lib";
import { CfnCapacityProvider, type CfnCluster } from "aws-cdk-lib/aws-ecs";
import { InstanceProfile, ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { DeploymentConfig } from "../../config.ts";
import { globalName } from "../../names.ts";
import { hasGpu, typesOf } from "../instance-types.ts";
import type { Network } from "./network.ts";

export interface CapacityProps {
  readonly config: DeploymentConfig;
  readonly cluster: CfnCluster;
  readonly network: Network;
}

/** Disk of an instance: the image, the model, which the container downloads to it, and the pictures of a video. */
const DISK_GIB = 250;

/**
 * Percentage that stands for no limit. By default EC2 takes only types that cost up to 20 % more than the cheapest
 * one that matches, so a g6e.4xlarge would never stand in for a g6e.2xlarge.
 *
 * @see Amazon EC2 API reference, "InstanceRequirements"
 */
const ANY_PRICE = 999_999;

/** Seconds that an instance without a task is kept. The scaling has waited before it stopped the task. */
const IDLE_SECONDS = 60;

/** Instances that ECS starts for tasks that have no place, and removes with their tasks. */
export class Capacity extends Construct {
  readonly providerName: string;

  constructor(scope: Construct, id: string, { config, cluster, network }: CapacityProps) {
    super(scope, id);
    const profile = new InstanceProfile(this, "Profile", { role: this.instanceRole(config) });
    const provider = new CfnCapacityProvider(this, placeOf(config), {
      clusterName: cluster.ref,
      managedInstancesProvider: {
        infrastructureRoleArn: this.infrastructureRole().roleArn,
        propagateTags: "CAPACITY_PROVIDER",
        infrastructureOptimization: { scaleInAfter: IDLE_SECONDS },
        // ECS looks at the GPUs too; otherwise each new task would come to the same instance with a broken one.
        autoRepairConfiguration: { actionsStatus: "ENABLED" },
        instanceLaunchTemplate: {
          ec2InstanceProfileArn: profile.instanceProfileArn,
          capacityOptionType: config.spot ? "SPOT" : "ON_DEMAND",
          networkConfiguration: {
            subnets: [...network.subnetIds],
            securityGroups: [network.securityGroupId],
          },
          storageConfiguration: { storageSizeGiB: DISK_GIB },
          monitoring: "BASIC",
          instanceRequirements: requirementsOf(config),
        },
      },
    });
    this.providerName = provider.ref;
  }

  /** Creates the role with which ECS starts and removes instances. */
  private infrastructureRole(): Role {
    const role = new Role(this, "Infrastructure", {
      assumedBy: new ServicePrincipal("ecs.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    });
    return managed(role, "AmazonECSInfrastructureRolePolicyForManagedInstances");
  }

  /**
   * Creates the role with which the agent on an instance speaks with ECS. AWS lets ECS pass on only roles whose names
   * begin like this one's. Names of roles are unique in an account, so the region is in it.
   */
  private instanceRole(config: DeploymentConfig): Role {
    const role = new Role(this, "Instance", {
      roleName: `ecsInstanceRole-${globalName(config)}`,
      assumedBy: new ServicePrincipal("ec2.amazonaws.com"),
    });
    return managed(role, "AmazonECSInstanceRolePolicyForManagedInstances");
  }
}

/**
 * Returns a part of the ids of what is in one network and has one purchase option: for another one there are other
 * resources, made before these go.
 */
export function placeOf({ spot, network }: Pick<DeploymentConfig, "spot" | "network">): string {
  return `${spot ? "Spot" : "OnDemand"}${network?.vpcId ?? ""}`;
}

function requirementsOf(config: DeploymentConfig): CfnCapacityProvider.InstanceRequirementsRequestProperty {
  const types = typesOf(config);
  const range = (values: readonly number[]) => ({ min: Math.min(...values), max: Math.max(...values) });
  return {
    allowedInstanceTypes: [...config.instanceTypes],
    vCpuCount: range(types.map(({ vcpus }) => vcpus)),
    memoryMiB: range(types.map(({ memoryGib }) => memoryGib * 1024)),
    ...(hasGpu(config) && {
      acceleratorTypes: ["gpu"],
      acceleratorManufacturers: ["nvidia"],
      acceleratorCount: { min: 1, max: 1 },
    }),
    ...(config.spot
      ? { spotMaxPricePercentageOverLowestPrice: ANY_PRICE }
      : { onDemandMaxPricePercentageOverLowestPrice: ANY_PRICE }),
  };
}

function managed(role: Role, policy: string): Role {
  role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName(policy));
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${policy}]`,
    reason: "AWS wrote this policy for Managed Instances, and changes it with them.",
  });
  return role;
}
