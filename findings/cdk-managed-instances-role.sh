#!/usr/bin/env bash
# aws-cdk-lib: a stack with a `ManagedInstancesCapacityProvider` deploys to one region, and fails in the second.
#
# Expected: CDK's constructs leave the names of roles to CloudFormation, so that a stack of the same name can be deployed once
# in each region.
#
# What happens: this construct names the role of its instances, and their instance profile, ecsInstanceRole and then a part made
# of the stack's name and the construct's path, without the region. Names of roles hold for a whole account, so the second
# region's stack finds the name taken. Its other role, and that of the machines behind an `AsgCapacityProvider`, have no name.
# The name is there for a reason: AWS's own policy for the infrastructure role may pass only roles called ecsInstanceRole*.
#
# Why it matters: the app that is deployed once more with another region in its environment has the same stack names, and works
# everywhere else. The second region is often added in haste, because the first has no GPUs left, and fails for a name that
# nobody gave. Pass `ec2InstanceProfile` with a role of your own, called ecsInstanceRole and then the region.
#
# Versions: aws-cdk-lib 2.276.0, constructs 10.8.1, Node 20.20. Date: 2026-12-01
# Needs: node with npm, no AWS account, as it reads templates alone; exits with 1 if the behaviour has changed
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts aws-cdk-lib@2.276.0 constructs@10.8.1
cat >main.mjs <<'JS'
import cdk from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { AutoScalingGroup } from "aws-cdk-lib/aws-autoscaling";
import { InstanceType, SecurityGroup, Vpc } from "aws-cdk-lib/aws-ec2";
import { AsgCapacityProvider, Cluster, EcsOptimizedImage, ManagedInstancesCapacityProvider } from "aws-cdk-lib/aws-ecs";
import { InstanceProfile, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";

/** Adds a capacity provider to a cluster in a region, and returns the names of the roles and instance profiles. */
function names(region, add) {
  const stack = new cdk.Stack(new cdk.App(), "Videos", { env: { region, account: "123456789012" } });
  const vpc = new Vpc(stack, "Vpc", { natGateways: 0 });
  add(stack, vpc, new Cluster(stack, "Cluster", { vpc }));
  const { Resources } = Template.fromStack(stack).toJSON();
  const all = Object.values(Resources).filter(({ Type }) => /^AWS::IAM::(Role|InstanceProfile)$/.test(Type));
  if (all.length < 2) throw new Error("the roles are not in the template");
  return all.map(({ Properties: { RoleName, InstanceProfileName } }) => RoleName ?? InstanceProfileName).filter(Boolean);
}

const managed = (ownProfile) => (stack, vpc, cluster) => {
  const role = ownProfile && new Role(stack, "Role", {
    roleName: `ecsInstanceRole-${stack.region}-videos`,
    assumedBy: new ServicePrincipal("ec2.amazonaws.com"),
  });
  const provider = new ManagedInstancesCapacityProvider(stack, "Gpus", {
    subnets: vpc.publicSubnets,
    securityGroups: [new SecurityGroup(stack, "Group", { vpc })],
    ...(role && { ec2InstanceProfile: new InstanceProfile(stack, "Profile", { role }) }),
  });
  cluster.addManagedInstancesCapacityProvider(provider);
};
const ofGroup = (stack, vpc, cluster) => {
  const autoScalingGroup = new AutoScalingGroup(stack, "Machines", {
    vpc,
    vpcSubnets: { subnets: vpc.publicSubnets },
    instanceType: new InstanceType("g6.xlarge"),
    machineImage: EcsOptimizedImage.amazonLinux2023(),
  });
  cluster.addAsgCapacityProvider(new AsgCapacityProvider(stack, "Provider", { autoScalingGroup }));
};

const regions = ["us-east-1", "eu-west-1"];
const rows = { "managed instances": managed(false), "an Auto Scaling group": ofGroup, "managed instances, own role": managed(true) };
const shared = Object.entries(rows).map(([title, add]) => {
  const [first, second] = regions.map((region) => names(region, add));
  console.log(`${title}: ${[first, second].map((found) => found.join(" and ") || "no names").join("; ")}`);
  return first.filter((name) => second.includes(name)).length;
});
console.log(`names that both regions want: ${shared.join(", ")}`);
process.exit(shared.join() === "2,0,0" ? 0 : 1);
JS
node main.mjs
