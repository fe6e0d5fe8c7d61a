import { Fn, Stack, Validations } from "aws-cdk-lib";
import {
  CfnInternetGateway,
  CfnRoute,
  CfnRouteTable,
  CfnSecurityGroup,
  CfnSubnet,
  CfnSubnetRouteTableAssociation,
  CfnVPC,
  CfnVPCEndpoint,
  CfnVPCGatewayAttachment,
} from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import type { Subnets } from "../../config.ts";

/** Availability zones that instances are looked for in. A new account sees no more than two in us-west-1. */
const ZONES = 3;
const ZONES_OF: Readonly<Record<string, number>> = { "us-west-1": 2 };

/**
 * Network of the instances: subnets, and a security group by which they ask AWS by HTTPS and nobody reaches them. The
 * subnets are given, or a public one is made in each zone.
 */
export class Network extends Construct {
  readonly subnetIds: readonly string[];
  readonly securityGroupId: string;

  constructor(scope: Construct, id: string, given: Subnets | null) {
    super(scope, id);
    const { vpcId, subnetIds } = given ?? this.publicSubnets();
    this.subnetIds = subnetIds;
    this.securityGroupId = new CfnSecurityGroup(this, "Outward", {
      groupDescription: "Lets workers ask AWS by HTTPS, and nobody ask them",
      vpcId,
      securityGroupIngress: [],
      securityGroupEgress: [
        { ipProtocol: "tcp", fromPort: 443, toPort: 443, cidrIp: "0.0.0.0/0", description: "HTTPS" },
      ],
    }).attrGroupId;
  }

  /**
   * Makes a VPC with public subnets. They need no NAT gateway and so cost nothing at rest, and S3 has a way of its own,
   * which is free.
   */
  private publicSubnets(): Subnets {
    const { region } = Stack.of(this);
    const vpc = new CfnVPC(this, "Vpc", {
      cidrBlock: "10.0.0.0/16",
      enableDnsHostnames: true,
      enableDnsSupport: true,
    });
    Validations.of(vpc).acknowledge({
      id: "AwsSolutions-VPC7",
      reason: "Nothing listens to the network here; what the workers ask of AWS is in CloudTrail.",
    });
    const gateway = new CfnInternetGateway(this, "Gateway");
    const attached = new CfnVPCGatewayAttachment(this, "Attachment", {
      vpcId: vpc.ref,
      internetGatewayId: gateway.ref,
    });
    const table = new CfnRouteTable(this, "Routes", { vpcId: vpc.ref });
    const out = new CfnRoute(this, "Out", {
      routeTableId: table.ref,
      destinationCidrBlock: "0.0.0.0/0",
      gatewayId: gateway.ref,
    });
    out.node.addDependency(attached);
    new CfnVPCEndpoint(this, "S3", {
      vpcId: vpc.ref,
      vpcEndpointType: "Gateway",
      serviceName: `com.amazonaws.${region}.s3`,
      routeTableIds: [table.ref],
    });
    const subnetIds = Array.from({ length: ZONES_OF[region] ?? ZONES }, (_, index) => {
      const subnet = new CfnSubnet(this, `Subnet${index + 1}`, {
        vpcId: vpc.ref,
        availabilityZone: Fn.select(index, Fn.getAzs()),
        cidrBlock: `10.0.${index * 16}.0/20`,
        mapPublicIpOnLaunch: true,
      });
      new CfnSubnetRouteTableAssociation(this, `Association${index + 1}`, {
        subnetId: subnet.ref,
        routeTableId: table.ref,
      });
      return subnet.ref;
    });
    return { vpcId: vpc.ref, subnetIds };
  }
}
