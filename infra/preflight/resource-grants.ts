import type { DeploymentConfig } from "../config.ts";

/** Permissions to manage resources of some types. */
export interface Grant {
  /** Types of CloudFormation. A test compares them with those in the templates. */
  readonly types: readonly string[];
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

type Place = Pick<DeploymentConfig, "name" | "account">;

/**
 * Returns the permissions to manage every resource of a deployment. CloudFormation begins the names of most resources
 * with that of the stack, and so with that of the deployment. Where it does not, or where an action knows no resources,
 * the grant is for the account.
 */
export function grantsOf(place: Place): Grant[] {
  return [...named(place), ...roles(place), ...unnamed(place)];
}

function named({ name, account }: Place): Grant[] {
  const arn = (service: string, resource: string) => `arn:aws:${service}:*:${account}:${resource}`;
  return [
    {
      types: ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"],
      actions: [
        "s3:CreateBucket",
        "s3:DeleteBucket*",
        "s3:GetBucket*",
        "s3:PutBucket*",
        "s3:Get*Configuration",
        "s3:Put*Configuration",
      ],
      resources: [`arn:aws:s3:::${name}-*`],
    },
    {
      types: ["AWS::SQS::Queue", "AWS::SQS::QueuePolicy"],
      actions: ["sqs:*"],
      resources: [arn("sqs", `${name}-*`)],
    },
    {
      types: ["AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription"],
      actions: ["sns:*"],
      resources: [arn("sns", `${name}-*`)],
    },
    {
      types: [
        "AWS::Lambda::Function",
        "AWS::Lambda::Version",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::CloudFormation::CustomResource",
      ],
      actions: ["lambda:*"],
      resources: [arn("lambda", `function:${name}-*`)],
    },
    {
      types: ["AWS::Logs::LogGroup"],
      actions: ["logs:*"],
      resources: [`${name}-*`, `/aws/sagemaker/Endpoints/${name}-*`].map((group) =>
        arn("logs", `log-group:${group}`),
      ),
    },
    {
      types: ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"],
      actions: ["cloudwatch:*"],
      resources: [arn("cloudwatch", `alarm:${name}-*`), `arn:aws:cloudwatch::${account}:dashboard/${name}-*`],
    },
    {
      types: ["AWS::Scheduler::Schedule"],
      actions: ["scheduler:*"],
      resources: [arn("scheduler", `schedule/default/${name}-*`)],
    },
    {
      types: ["AWS::SecretsManager::Secret"],
      actions: [
        "secretsmanager:CreateSecret",
        "secretsmanager:DeleteSecret",
        "secretsmanager:DescribeSecret",
        "secretsmanager:UpdateSecret",
        "secretsmanager:TagResource",
        "secretsmanager:UntagResource",
      ],
      resources: [arn("secretsmanager", `secret:${name}/*`)],
    },
    { types: ["AWS::ECR::Repository"], actions: ["ecr:*"], resources: [arn("ecr", `repository/${name}-*`)] },
    {
      types: ["AWS::Budgets::Budget"],
      actions: ["budgets:*"],
      resources: [`arn:aws:budgets::${account}:budget/${name}-*`],
    },
  ];
}

function roles({ name, account }: Place): Grant[] {
  return [
    {
      types: ["AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::InstanceProfile"],
      actions: [
        "iam:*InstanceProfile*",
        "iam:AttachRolePolicy",
        "iam:DetachRolePolicy",
        "iam:CreateRole",
        "iam:DeleteRole*",
        "iam:GetRole*",
        "iam:ListRole*",
        "iam:ListAttachedRolePolicies",
        "iam:PassRole",
        "iam:PutRolePolicy",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateRole*",
        "iam:UpdateAssumeRolePolicy",
      ],
      resources: [
        `arn:aws:iam::${account}:role/${name}-*`,
        `arn:aws:iam::${account}:role/ecsInstanceRole-${name}-*`,
        `arn:aws:iam::${account}:instance-profile/${name}-*`,
      ],
    },
    {
      // Roles of AWS for scaling, for copies of the edge function, and for CloudFront's logs.
      types: [],
      actions: ["iam:CreateServiceLinkedRole"],
      resources: [`arn:aws:iam::${account}:role/aws-service-role/*`],
    },
  ];
}

function unnamed({ account }: Place): Grant[] {
  return [
    {
      types: ["AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Endpoint"],
      actions: ["Create", "Delete", "Describe", "Update"]
        .flatMap((verb) => ["Model", "Endpoint*"].map((what) => `sagemaker:${verb}${what}`))
        .filter((action) => action !== "sagemaker:UpdateModel")
        .concat("sagemaker:AddTags", "sagemaker:DeleteTags", "sagemaker:ListTags"),
      resources: [`arn:aws:sagemaker:*:${account}:*`],
    },
    {
      types: ["AWS::CodeBuild::Project"],
      actions: ["codebuild:*Project*", "codebuild:StartBuild"],
      resources: [`arn:aws:codebuild:*:${account}:project/*`],
    },
    {
      types: [
        "AWS::EC2::InternetGateway",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ECS::CapacityProvider",
        "AWS::ECS::Cluster",
        "AWS::ECS::Service",
        "AWS::ECS::TaskDefinition",
      ],
      actions: [
        "ecs:*",
        "ec2:*InternetGateway*",
        "ec2:*Route*",
        "ec2:*SecurityGroup*",
        "ec2:*Subnet*",
        "ec2:*Tags",
        "ec2:*Vpc*",
        "ec2:DescribeAvailabilityZones",
      ],
      resources: ["*"],
    },
    {
      types: [
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::Distribution",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::Lambda::EventSourceMapping",
        "AWS::WAFv2::WebACL",
      ],
      actions: [
        "application-autoscaling:*",
        "cloudfront:*",
        "lambda:*EventSourceMapping*",
        "wafv2:*",
        "acm:DescribeCertificate",
        "ecr:GetAuthorizationToken",
        "logs:DescribeLogGroups",
        "secretsmanager:GetRandomPassword",
      ],
      resources: ["*"],
    },
  ];
}
