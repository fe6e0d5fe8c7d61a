import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { ACCOUNT, templateOf } from "./deployment.ts";
import { permissionsOf } from "./policies.ts";

const BUCKET = `adareel-${ACCOUNT}-eu-central-1`;
const CERTIFICATE = `arn:aws:acm:us-east-1:${ACCOUNT}:certificate/0123abcd`;
const template = templateOf("edge");
const everything = templateOf("edge", {
  waf: "true",
  domainName: "videos.example.com",
  certificateArn: CERTIFICATE,
  alarmEmail: "ops@example.com",
});

function distributionOf(from: typeof template) {
  const [[id, distribution]] = Object.entries(from.findResources("AWS::CloudFront::Distribution")) as [
    [string, { Properties: { DistributionConfig: Record<string, unknown> } }],
  ];
  return { id, ...distribution.Properties.DistributionConfig } as Record<string, unknown> & { id: string };
}

const { id: distributionId, ...distribution } = distributionOf(template);
const [[functionId, lambda]] = Object.entries(template.findResources("AWS::Lambda::Function")) as [
  [string, Record<string, unknown>],
];
const [[versionId, version]] = Object.entries(template.findResources("AWS::Lambda::Version")) as [
  [string, Record<string, unknown>],
];

describe("the distribution", () => {
  it("the distribution calls the function at the origin request, with the body, for every method", () => {
    const methods = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"];
    expect(distribution).toMatchObject({
      Enabled: true,
      DefaultCacheBehavior: {
        AllowedMethods: methods,
        LambdaFunctionAssociations: [
          { EventType: "origin-request", IncludeBody: true, LambdaFunctionARN: { Ref: versionId } },
        ],
        ViewerProtocolPolicy: "redirect-to-https",
        // Managed policy AllViewerExceptHostHeader.
        OriginRequestPolicyId: "b689b0a8-53d0-40ab-baf2-68738e2966ac",
        Compress: false,
      },
    });
    expect(distribution).not.toHaveProperty("CacheBehaviors");
    expect(distribution).not.toHaveProperty("DefaultRootObject");
  });

  it("the distribution speaks HTTP/2 and HTTP/3", () => {
    expect(distribution).toMatchObject({ HttpVersion: "http2and3", IPV6Enabled: true });
  });

  it("the distribution caches only what asks for it, with query and key in the cache key", () => {
    template.hasResourceProperties("AWS::CloudFront::CachePolicy", {
      CachePolicyConfig: {
        MinTTL: 0,
        DefaultTTL: 0,
        MaxTTL: 1,
        ParametersInCacheKeyAndForwardedToOrigin: {
          HeadersConfig: { HeaderBehavior: "whitelist", Headers: ["Authorization"] },
          QueryStringsConfig: { QueryStringBehavior: "all" },
          CookiesConfig: { CookieBehavior: "none" },
          EnableAcceptEncodingGzip: true,
        },
      },
    });
    const [policy] = Object.keys(template.findResources("AWS::CloudFront::CachePolicy"));
    expect(distribution.DefaultCacheBehavior).toMatchObject({ CachePolicyId: { Ref: policy } });
  });

  it("the distribution caches no error, and has no error page of its own", () => {
    const kept = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
    expect(distribution.CustomErrorResponses).toEqual(
      kept.map((code) => ({ ErrorCode: code, ErrorCachingMinTTL: 0 })),
    );
  });

  it("the distribution has the bucket as a resolvable origin, and never signs requests to it", () => {
    const [control] = Object.keys(template.findResources("AWS::CloudFront::OriginAccessControl"));
    expect(distribution.Origins).toEqual([
      expect.objectContaining({
        DomainName: `${BUCKET}.s3.eu-central-1.amazonaws.com`,
        S3OriginConfig: { OriginAccessIdentity: "" },
        OriginAccessControlId: { "Fn::GetAtt": [control, "Id"] },
      }),
    ]);
    template.hasResourceProperties("AWS::CloudFront::OriginAccessControl", {
      OriginAccessControlConfig: { OriginAccessControlOriginType: "s3", SigningBehavior: "never" },
    });
  });

  it("the distribution has a custom name with a certificate and TLS 1.2, where one is configured", () => {
    expect(distributionOf(everything)).toMatchObject({
      Aliases: ["videos.example.com"],
      ViewerCertificate: {
        AcmCertificateArn: CERTIFICATE,
        MinimumProtocolVersion: "TLSv1.2_2021",
        SslSupportMethod: "sni-only",
      },
    });
    expect(distribution).not.toHaveProperty("Aliases");
    expect(distribution).not.toHaveProperty("ViewerCertificate");
  });
});

describe("the function", () => {
  it("the edge function meets the limits of Lambda@Edge", () => {
    expect(lambda.Properties).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["x86_64"],
      Handler: "index.handler",
      Timeout: 30,
      MemorySize: 1024,
    });
    for (const property of ["Environment", "VpcConfig", "Layers", "DeadLetterConfig", "TracingConfig"])
      expect(lambda.Properties).not.toHaveProperty(property);
    expect(version.Properties).toEqual({ FunctionName: { Ref: functionId } });
  });

  it("the edge function outlives the stack as its replicas do, and has a generated name", () => {
    for (const resource of [lambda, version])
      expect(resource).toMatchObject({ DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
    expect(lambda.Properties).not.toHaveProperty("FunctionName");
  });

  it("the edge function may be run by Lambda and by CloudFront", () => {
    template.hasResourceProperties("AWS::IAM::Role", {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Action: "sts:AssumeRole",
            Effect: "Allow",
            Principal: { Service: ["edgelambda.amazonaws.com", "lambda.amazonaws.com"] },
          },
        ],
      },
      ManagedPolicyArns: Match.absent(),
    });
    template.resourceCountIs("AWS::IAM::Role", 1);
  });

  it("the edge function may do what the API does", () => {
    const on = (action: string, ...folders: string[]) =>
      folders.map((folder) => `${action} arn:aws:s3:::${BUCKET}/${folder}/*`);
    const listed = [
      ...["api-keys", "model-cards", "jobs", "unfinished", "claims", "artifacts", "inputs"],
      ...["runs", "spending"],
      ...["webhook-endpoints", "triggers", "tenant-triggers"],
    ];
    const condition = { StringLikeIfExists: { "s3:prefix": listed.map((folder) => `${folder}/*`) } };
    const logs = `arn:aws:logs:*:${ACCOUNT}:log-group:/aws/lambda/us-east-1.adareel-*`;
    expect(permissionsOf(template, "ApiRole")).toEqual(
      [
        ...["CreateLogGroup", "CreateLogStream", "PutLogEvents"].map((action) => `logs:${action} ${logs}`),
        ...on("s3:GetObject", "api-keys", "model-cards", "jobs", "unfinished", "claims", "artifacts"),
        ...on("s3:GetObject", "inputs", "runs", "spending", "webhook-endpoints", "triggers"),
        ...on("s3:PutObject", "inputs", "jobs", "unfinished", "undelivered", "claims", "spending"),
        ...on("s3:PutObject", "webhook-endpoints", "triggers", "tenant-triggers"),
        ...on("s3:DeleteObject", "jobs", "unfinished", "artifacts", "inputs"),
        ...on("s3:DeleteObject", "webhook-endpoints", "triggers", "tenant-triggers"),
        `s3:ListBucket arn:aws:s3:::${BUCKET} if ${JSON.stringify(condition)}`,
        `secretsmanager:GetSecretValue arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:secret:adareel/master-key-??????`,
      ].sort(),
    );
  });
});

describe("the firewall", () => {
  it("the firewall exists when it is enabled", () => {
    template.resourceCountIs("AWS::WAFv2::WebACL", 0);
    expect(distribution).not.toHaveProperty("WebACLId");
    const [acl] = Object.keys(everything.findResources("AWS::WAFv2::WebACL"));
    expect(distributionOf(everything).WebACLId).toEqual({ "Fn::GetAtt": [acl, "Arn"] });
  });

  it("the firewall blocks floods from one address with 429, addresses of bad repute and known attacks", () => {
    const managed = (Name: string, Priority: number) =>
      Match.objectLike({
        Priority,
        OverrideAction: { None: {} },
        Statement: { ManagedRuleGroupStatement: { VendorName: "AWS", Name } },
        VisibilityConfig: Match.objectLike({ SampledRequestsEnabled: false }),
      });
    everything.hasResourceProperties("AWS::WAFv2::WebACL", {
      Scope: "CLOUDFRONT",
      DefaultAction: { Allow: {} },
      VisibilityConfig: Match.objectLike({ SampledRequestsEnabled: false }),
      Rules: [
        Match.objectLike({
          Priority: 0,
          Action: { Block: { CustomResponse: { ResponseCode: 429 } } },
          Statement: {
            RateBasedStatement: { AggregateKeyType: "IP", Limit: 30_000, EvaluationWindowSec: 300 },
          },
          VisibilityConfig: Match.objectLike({ SampledRequestsEnabled: false }),
        }),
        managed("AWSManagedRulesAmazonIpReputationList", 1),
        managed("AWSManagedRulesKnownBadInputsRuleSet", 2),
      ],
    });
  });
});

describe("what happened", () => {
  it("access logs are kept for 90 days, in a private bucket that CloudFront can write to", () => {
    const [logs] = Object.keys(template.findResources("AWS::S3::Bucket"));
    expect(distribution.Logging).toEqual({ Bucket: { "Fn::GetAtt": [logs, "RegionalDomainName"] } });
    template.hasResource("AWS::S3::Bucket", {
      DeletionPolicy: "RetainExceptOnCreate",
      Properties: {
        OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerPreferred" }] },
        LifecycleConfiguration: { Rules: [{ ExpirationInDays: 90, Status: "Enabled" }] },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      },
    });
  });

  it("an alarm reports 5 % internal errors over a quarter of an hour", () => {
    const [topic] = Object.keys(everything.findResources("AWS::SNS::Topic"));
    everything.hasResourceProperties("AWS::CloudWatch::Alarm", {
      Namespace: "AWS/CloudFront",
      MetricName: "5xxErrorRate",
      Dimensions: [
        { Name: "DistributionId", Value: { Ref: distributionId } },
        { Name: "Region", Value: "Global" },
      ],
      Statistic: "Average",
      Period: 300,
      EvaluationPeriods: 3,
      Threshold: 5,
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      TreatMissingData: "notBreaching",
      AlarmActions: [{ Ref: topic }],
    });
    const subscription = { Protocol: "email", Endpoint: "ops@example.com", TopicArn: { Ref: topic } };
    everything.hasResourceProperties("AWS::SNS::Subscription", subscription);
    template.resourceCountIs("AWS::SNS::Subscription", 0);
  });
});

it("the edge has no log group of its own, since copies of its function write to others", () => {
  template.resourceCountIs("AWS::Logs::LogGroup", 0);
});

describe("the outputs", () => {
  it("the outputs say where the API is, and how to try it", () => {
    expect(everything.findOutputs("*")).toMatchObject({
      ApiUrl: { Value: "https://videos.example.com" },
      DistributionDomain: { Value: { "Fn::GetAtt": [distributionId, "DomainName"] } },
      Try: { Value: expect.stringMatching(/^curl https:\/\/videos\.example\.com\/v1\/videos -H /) },
    });
    expect(JSON.stringify(template.findOutputs("ApiUrl"))).toContain(distributionId);
  });
});
