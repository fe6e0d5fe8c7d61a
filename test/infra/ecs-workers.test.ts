import { readFileSync } from "node:fs";
import { Match, type Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { ACCOUNT, IMAGE, templateOf } from "./deployment.ts";
import { namedResources, names, permissionsOf } from "./policies.ts";

const REGION = "eu-central-1";
const BUCKET = `adareel-${ACCOUNT}-${REGION}`;
const template = templateOf("gpu", { backend: "ecs" });

function only(type: string, from: Template = template) {
  const found = Object.values(from.findResources(type));
  expect(found).toHaveLength(1);
  return found[0]!.Properties;
}

function launchOf(options: Readonly<Record<string, string>> = {}) {
  const provider = only("AWS::ECS::CapacityProvider", templateOf("gpu", { backend: "ecs", ...options }));
  return provider.ManagedInstancesProvider.InstanceLaunchTemplate;
}

describe("the container of a worker", () => {
  const task = only("AWS::ECS::TaskDefinition");
  const [container] = task.ContainerDefinitions;

  it("the container pulls its turns from the queue of runs, and is told where the jobs and the model are", () => {
    expect(container).toMatchObject({ Image: IMAGE, Command: ["pull"] });
    const environment = Object.fromEntries(
      container.Environment.map(({ Name, Value }: { Name: string; Value: unknown }) => [Name, Value]),
    );
    expect(environment).toEqual({
      AWS_REGION: REGION,
      STORE: `s3://${BUCKET}`,
      MODEL_URI: `s3://${BUCKET}/models/demo/`,
      PROVIDER: "cuda",
      GPU_MEMORY_GIB: "48",
      MAX_RUN_MS: "21600000",
      RUNS_QUEUE_URL: { Ref: expect.stringMatching(/^WorkersRunsQueue/) },
      HOST: "127.0.0.1",
      STOP_GRACE_MS: "105000",
    });
  });

  it("the container has a GPU and most of the smallest instance, so that two do not share one", () => {
    expect(task).toMatchObject({
      RequiresCompatibilities: ["MANAGED_INSTANCES"],
      Cpu: "7168",
      Memory: "57344",
    });
    expect(container.ResourceRequirements).toEqual([{ Type: "GPU", Value: "1" }]);
    const plain = templateOf("gpu", { backend: "ecs", instanceTypes: "m5.xlarge" });
    expect(
      only("AWS::ECS::TaskDefinition", plain).ContainerDefinitions[0].ResourceRequirements,
    ).toBeUndefined();
  });

  it("the container may end its job after the signal to stop, before ECS kills it", () => {
    expect(container.StopTimeout * 1000).toBeGreaterThan(105_000 + 4_000);
  });

  it("the container is asked whether it is well, and has twenty minutes for its model", () => {
    const { Command: command, Interval: interval, Retries: retries } = container.HealthCheck;
    expect(command.at(-1)).toContain("http://127.0.0.1:8080/ping");
    expect(interval * retries).toBeGreaterThanOrEqual(1200);
  });

  it("the container writes into a log that is kept for a month", () => {
    const { Options: options } = container.LogConfiguration;
    expect(names(options["awslogs-group"])).toBe("WorkersLog");
    expect(options["awslogs-region"]).toBe(REGION);
    template.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: 30 });
  });
});

describe("the service of workers", () => {
  it("the service keeps the number of tasks that the scaling has set when it is deployed again", () => {
    expect(only("AWS::ECS::Service")).not.toHaveProperty("DesiredCount");
  });

  it("the service starts no second GPU to replace the first, and is put back if tasks do not start", () => {
    expect(only("AWS::ECS::Service").DeploymentConfiguration).toEqual({
      MinimumHealthyPercent: 0,
      MaximumPercent: 100,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    });
  });

  it("the service has its tasks on the instances that its provider starts", () => {
    const { CapacityProviderStrategy: strategy, LaunchType: type } = only("AWS::ECS::Service");
    expect(type).toBeUndefined();
    expect(strategy).toEqual([
      { CapacityProvider: { Ref: expect.stringMatching(/^WorkersCapacityOnDemand/) }, Weight: 1 },
    ]);
  });

  it("the service of Spot instances or of another network is another one with another provider, which cannot change", () => {
    const network = (digit: string) => ({ vpcId: `vpc-${digit.repeat(8)}`, subnetIds: "subnet-0a1b2c3d" });
    const all = [{}, { spot: "true" }, network("1"), network("2"), { spot: "true", ...network("1") }];
    const idsOf = (type: string) =>
      all.flatMap((options) =>
        Object.keys(templateOf("gpu", { backend: "ecs", ...options }).findResources(type)),
      );
    for (const type of ["AWS::ECS::Service", "AWS::ECS::CapacityProvider"])
      expect(new Set(idsOf(type)).size).toBe(all.length);
    expect(launchOf({ spot: "true" }).CapacityOptionType).toBe("SPOT");
    expect(launchOf({ spot: "false" }).CapacityOptionType).toBe("ON_DEMAND");
  });
});

describe("the instances of workers", () => {
  it("the instances are of the types of the deployment and no other, whatever they cost", () => {
    const { InstanceRequirements: requirements } = launchOf();
    expect(requirements).toMatchObject({
      AllowedInstanceTypes: ["g6e.2xlarge", "g6e.4xlarge"],
      VCpuCount: { Min: 8, Max: 16 },
      MemoryMiB: { Min: 65_536, Max: 131_072 },
      AcceleratorCount: { Min: 1, Max: 1 },
      OnDemandMaxPricePercentageOverLowestPrice: 999_999,
    });
    // EC2 takes only one of the two limits.
    expect(requirements).not.toHaveProperty("SpotMaxPricePercentageOverLowestPrice");
    const spot = launchOf({ spot: "true" }).InstanceRequirements;
    expect(spot).toMatchObject({ SpotMaxPricePercentageOverLowestPrice: 999_999 });
    expect(spot).not.toHaveProperty("OnDemandMaxPricePercentageOverLowestPrice");
  });

  it("the instances go a minute after their task, since they are billed until then", () => {
    const { InfrastructureOptimization: optimization } = only(
      "AWS::ECS::CapacityProvider",
    ).ManagedInstancesProvider;
    expect(optimization).toEqual({ ScaleInAfter: 60 });
  });

  it("the instances are reached by nobody, and reach AWS by HTTPS", () => {
    const { SecurityGroupIngress: ingress, SecurityGroupEgress: egress } = only("AWS::EC2::SecurityGroup");
    expect(ingress).toEqual([]);
    expect(egress).toMatchObject([{ IpProtocol: "tcp", FromPort: 443, ToPort: 443 }]);
    expect(launchOf().NetworkConfiguration.SecurityGroups.map(names)).toEqual(["WorkersNetworkOutward"]);
  });

  it("the instances have public addresses and no NAT gateway, which would be billed at rest", () => {
    template.resourceCountIs("AWS::EC2::NatGateway", 0);
    template.allResourcesProperties("AWS::EC2::Subnet", { MapPublicIpOnLaunch: true });
    template.resourceCountIs("AWS::EC2::Subnet", 3);
    template.hasResourceProperties("AWS::EC2::Route", {
      DestinationCidrBlock: "0.0.0.0/0",
      GatewayId: { Ref: Match.stringLikeRegexp("^WorkersNetworkGateway") },
    });
    template.hasResourceProperties("AWS::EC2::VPCEndpoint", { VpcEndpointType: "Gateway" });
    expect(only("AWS::ECS::TaskDefinition").NetworkMode).toBe("host");
  });

  it("the instances in a network that is given have its subnets, and nothing of a network is made but their firewall", () => {
    const [vpcId, subnetIds] = ["vpc-0123456789abcdef0", ["subnet-0123456789abcdef0", "subnet-0a1b2c3d"]];
    const options = { backend: "ecs", vpcId, subnetIds: subnetIds.join() };
    const given = templateOf("gpu", options);
    const types = Object.values(given.toJSON().Resources as Record<string, { Type: string }>);
    expect(types.filter(({ Type }) => Type.startsWith("AWS::EC2::"))).toEqual([
      expect.objectContaining({ Type: "AWS::EC2::SecurityGroup" }),
    ]);
    const group = only("AWS::EC2::SecurityGroup", given);
    expect(group).toEqual({ ...only("AWS::EC2::SecurityGroup"), VpcId: vpcId });
    const { Subnets: subnets, SecurityGroups: groups } = launchOf(options).NetworkConfiguration;
    expect(subnets).toEqual(subnetIds);
    expect(groups).toEqual([
      { "Fn::GetAtt": [Object.keys(given.findResources("AWS::EC2::SecurityGroup"))[0], "GroupId"] },
    ]);
  });

  it("the instances of every zone have a way out", () => {
    const associations = Object.values(template.findResources("AWS::EC2::SubnetRouteTableAssociation"));
    const subnets = launchOf().NetworkConfiguration.Subnets.map(names);
    expect(associations.map(({ Properties }) => names(Properties.SubnetId))).toEqual(subnets);
    for (const { Properties } of associations)
      expect(names(Properties.RouteTableId)).toBe("WorkersNetworkRoutes");
  });

  it("the instances have a disk for the image, and twice for the largest model of docs/models.md", () => {
    const sizes = readFileSync("docs/models.md", "utf8").matchAll(/^\| `[\w.-]+` \|[^|]*\| (\d+) GB/gm);
    const largest = Math.max(...[...sizes].map(([, gb]) => Number(gb)));
    expect(launchOf().StorageConfiguration.StorageSizeGiB * 2 ** 30).toBeGreaterThan((4 + 2 * largest) * 1e9);
  });

  it("the instances have a role whose name AWS lets ECS pass on, another one in each region", () => {
    template.hasResourceProperties("AWS::IAM::Role", { RoleName: `ecsInstanceRole-adareel-${REGION}` });
  });

  it("the instances are started by ECS, and known to it, by the policies that AWS wrote for that", () => {
    const policyOf = (name: string) => {
      const { properties } = namedResources(template).find((each) => each.name === `WorkersCapacity${name}`)!;
      return JSON.stringify(properties.ManagedPolicyArns);
    };
    expect(policyOf("Infrastructure")).toContain("/AmazonECSInfrastructureRolePolicyForManagedInstances");
    expect(policyOf("Instance")).toContain("/AmazonECSInstanceRolePolicyForManagedInstances");
  });
});

describe("the roles of workers", () => {
  const granted = permissionsOf(template, "WorkersTaskRole");

  it("a worker may take turns from its own queue, and protect the tasks of its own cluster", () => {
    const protection = granted.find((line) => line.startsWith("ecs:UpdateTaskProtection "))!;
    expect(protection).toContain(`:ecs:${REGION}:${ACCOUNT}:task/adareel-workers/*`);
    const others = granted.filter((line) => !line.startsWith("s3:") && line !== protection);
    expect(others).toEqual([
      "sqs:ChangeMessageVisibility WorkersRunsQueue",
      "sqs:DeleteMessage WorkersRunsQueue",
      "sqs:ReceiveMessage WorkersRunsQueue",
      "sqs:SendMessage WorkersRunsQueue",
    ]);
  });

  it("a worker may do with the bucket what one of SageMaker's may, which also writes SageMaker's own files", () => {
    const ofBucket = (lines: readonly string[]) =>
      lines.filter((line) => line.includes("s3:") && !line.includes("/invocations/"));
    expect(ofBucket(granted)).toEqual(ofBucket(permissionsOf(templateOf("gpu"), "EndpointRole")));
  });

  it("ECS may pull the image and write the log, and nothing else", () => {
    const [, name] = IMAGE.split(/[/@]/);
    const repository = `arn:aws:ecr:${REGION}:${ACCOUNT}:repository/${name}`;
    expect(permissionsOf(template, "WorkersTaskExecutionRole")).toEqual([
      `ecr:BatchCheckLayerAvailability ${repository}`,
      `ecr:BatchGetImage ${repository}`,
      "ecr:GetAuthorizationToken *",
      `ecr:GetDownloadUrlForLayer ${repository}`,
      "logs:CreateLogStream WorkersLog",
      "logs:PutLogEvents WorkersLog",
    ]);
  });

  it("a worker has its own role, and ECS the one that starts it; the container has no more of its instance", () => {
    const task = only("AWS::ECS::TaskDefinition");
    expect([names(task.TaskRoleArn), names(task.ExecutionRoleArn)]).toEqual([
      "WorkersTaskRole",
      "WorkersTaskExecutionRole",
    ]);
    expect(task.ContainerDefinitions[0].Privileged ?? false).toBe(false);
    expect(task.ContainerDefinitions[0].LinuxParameters).toBeUndefined();
  });

  it("dispatch may send to the queue of runs, and the sweep may ask how many jobs wait in it", () => {
    expect(permissionsOf(template, "DispatchRole")).toContain("sqs:SendMessage WorkersRunsQueue");
    expect(permissionsOf(template, "SweepRole")).toContain("sqs:GetQueueAttributes WorkersRunsQueue");
  });

  it.each(["Dispatch", "Sweep"])("the function %s knows the queue of runs", (name) => {
    const functions = Object.entries(template.findResources("AWS::Lambda::Function"));
    const [, lambda] = functions.find(([id]) => id.startsWith(`${name}Function`))!;
    expect(names(lambda.Properties.Environment.Variables.RUNS_QUEUE_URL)).toBe("WorkersRunsQueue");
  });
});

it("nobody settles, because workers that pull tell nobody that a run has ended", () => {
  const ids = Object.keys(template.findResources("AWS::Lambda::Function"));
  expect(ids.some((id) => id.startsWith("Settle"))).toBe(false);
  expect(Object.keys(template.findOutputs("*"))).not.toContain("EventDeadLetters");
});
