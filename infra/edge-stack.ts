import {
  Annotations,
  CfnOutput,
  Duration,
  RemovalPolicy,
  Stack,
  type StackProps,
  Validations,
} from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AllowedMethods,
  CacheCookieBehavior,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  HttpVersion,
  LambdaEdgeEventType,
  OriginRequestPolicy,
  S3OriginAccessControl,
  SecurityPolicyProtocol,
  Signing,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { S3BucketOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { apiFaults, apiGraphs } from "./api-graphs.ts";
import type { DeploymentConfig } from "./config.ts";
import { Dashboard } from "./dashboard.ts";
import { EdgeFunction } from "./edge-function.ts";
import { Firewall } from "./firewall.ts";
import { MonthlyBudget } from "./monthly-budget.ts";
import { globalName, sharedNames } from "./names.ts";
import { OpsTopic } from "./ops-topic.ts";
import { TroubleAlarm } from "./trouble-alarm.ts";

export interface EdgeStackProps extends StackProps {
  readonly config: DeploymentConfig;
}

/** Region of CloudFront's functions, certificates and firewalls. */
const REGION = "us-east-1";

const LOG_DAYS = 90;

/** Error statuses without 410, 412 and 415, for which CloudFront has no setting. */
const ERROR_STATUSES = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

/** Stack of the public API. It shares only names with the other stacks, whose region may differ. */
export class EdgeStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: EdgeStackProps) {
    const name = globalName(config);
    super(scope, id, {
      ...props,
      stackName: `${name}-${id}`,
      env: { account: config.account, region: REGION },
    });
    const { version } = new EdgeFunction(this, "Api", { config });
    const { domain } = config;
    const distribution = new Distribution(this, "Distribution", {
      comment: `The API of ${name}`,
      // The owner of the domain must point it here with a CNAME or alias record.
      ...(domain && {
        domainNames: [domain.name],
        certificate: Certificate.fromCertificateArn(this, "Certificate", domain.certificateArn),
        minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      }),
      httpVersion: HttpVersion.HTTP2_AND_3,
      defaultBehavior: {
        origin: this.origin(config),
        allowedMethods: AllowedMethods.ALLOW_ALL,
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cachePolicy: cachePolicy(this, name),
        // S3 needs its own name in the Host header.
        originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        // The function compresses, because CloudFront only compresses what it caches.
        compress: false,
        edgeLambdas: [
          { eventType: LambdaEdgeEventType.ORIGIN_REQUEST, functionVersion: version, includeBody: true },
        ],
      },
      // By default errors are cached for ten seconds for everybody, and one tenant's 404 may be another's video.
      errorResponses: ERROR_STATUSES.map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) })),
      enableLogging: true,
      logBucket: this.logBucket() as IBucket,
      ...(config.waf && { webAclId: new Firewall(this, "Firewall").arn }),
    });
    acknowledgeChoices(distribution, config);
    const { url: dashboard } = this.watch(distribution, config);

    const url = `https://${domain?.name ?? distribution.distributionDomainName}`;
    new CfnOutput(this, "ApiUrl", { value: url });
    new CfnOutput(this, "DistributionDomain", { value: distribution.distributionDomainName });
    new CfnOutput(this, "Dashboard", { value: dashboard });
    new CfnOutput(this, "Try", {
      value: `curl ${url}/v1/videos -H "Authorization: Bearer $ADAREEL_API_KEY" -H "Content-Type: application/json" -d '{"prompt": "a red circle"}'`,
    });
  }

  /**
   * Returns the origin: the video bucket, because the name of an origin must resolve before the function is
   * called. The function answers every request. Requests to the bucket are not signed, so any that bypassed
   * the function would be refused.
   */
  private origin(config: DeploymentConfig): ReturnType<typeof S3BucketOrigin.withOriginAccessControl> {
    const { bucket: bucketName } = sharedNames(config);
    const bucket = Bucket.fromBucketAttributes(this, "Videos", { bucketName, region: config.region });
    return S3BucketOrigin.withOriginAccessControl(bucket, {
      originAccessControl: new S3OriginAccessControl(this, "OriginAccess", {
        originAccessControlName: `${globalName(config)}-api`,
        signing: Signing.NEVER,
      }),
      originAccessLevels: [],
    });
  }

  private logBucket(): Bucket {
    const bucket = new Bucket(this, "Logs", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      // CloudFront writes logs by an access control list.
      objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED,
      lifecycleRules: [{ expiration: Duration.days(LOG_DAYS) }],
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    Validations.of(bucket).acknowledge({
      id: "AwsSolutions-S1",
      reason: "It holds access logs; logs of who reads them would need a log again.",
    });
    return bucket;
  }

  /** Adds the alarm, the dashboard and, where one is configured, the budget. */
  private watch(distribution: Distribution, config: DeploymentConfig): Dashboard {
    const { alarmEmail, monthlyBudgetUsd } = config;
    const name = globalName(config);
    const topic = new OpsTopic(this, "Ops", alarmEmail);
    const alarms = [
      new TroubleAlarm(this, "Faults", { deployment: name, trouble: apiFaults(distribution), topic }),
    ];
    if (monthlyBudgetUsd !== null)
      new MonthlyBudget(this, "Budget", { name, dollars: monthlyBudgetUsd, topic });
    return new Dashboard(this, "Watch", { name: `${name}-api`, alarms, graphs: apiGraphs(distribution) });
  }
}

/**
 * Creates the cache policy: nothing is cached unless an answer asks for it, and none does. The managed policy
 * for this omits Authorization and the query from the cache key, by which CloudFront also tells concurrent
 * requests apart.
 */
function cachePolicy(stack: Stack, name: string): CachePolicy {
  return new CachePolicy(stack, "CachePolicy", {
    cachePolicyName: `${name}-api`,
    minTtl: Duration.seconds(0),
    defaultTtl: Duration.seconds(0),
    // CloudFront allows no cache key if this is 0.
    maxTtl: Duration.seconds(1),
    headerBehavior: CacheHeaderBehavior.allowList("Authorization"),
    queryStringBehavior: CacheQueryStringBehavior.all(),
    cookieBehavior: CacheCookieBehavior.none(),
    enableAcceptEncodingGzip: true,
  });
}

function acknowledgeChoices(distribution: Distribution, { domain, waf }: DeploymentConfig): void {
  Annotations.of(distribution).acknowledgeWarning(
    "@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac",
    "CloudFront needs no access to the bucket.",
  );
  const choices = [
    { id: "AwsSolutions-CFR1", reason: "An API is for whoever has a key, wherever they are." },
    ...(waf ? [] : [{ id: "AwsSolutions-CFR2", reason: "WAF costs money while nobody asks; -c waf=true." }]),
    ...(domain
      ? []
      : [{ id: "AwsSolutions-CFR4", reason: "CloudFront's own certificate allows no other setting." }]),
  ];
  Validations.of(distribution).acknowledge(...choices);
}
