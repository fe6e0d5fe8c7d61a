import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { AnyPrincipal, Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  type CfnBucket,
  type IBucket,
  type LifecycleRule,
} from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { HintQueue } from "./hint-queue.ts";
import { FOLDERS } from "./names.ts";

export interface VideoBucketProps {
  readonly bucketName: string;
  readonly retentionDays: number;
  /** Which queue is told of new objects in a folder. */
  readonly told: Readonly<Record<string, HintQueue>>;
}

/**
 * Folders that `lib` writes to with a condition only. The markers of `unfinished/`, `undelivered/` and
 * `tenant-triggers/` are written over each other on purpose, and a model by one person at a time.
 */
export const CONDITIONAL_FOLDERS = [
  FOLDERS.jobs,
  FOLDERS.claims,
  FOLDERS.artifacts,
  FOLDERS.apiKeys,
  FOLDERS.webhookEndpoints,
  FOLDERS.triggers,
];

const INVOCATION_DAYS = 7;
const ACCESS_LOG_DAYS = 90;

/** An idempotency key is remembered for 30 days at most: those of GitHub's webhooks. */
const CLAIM_DAYS = 31;

/** Webhooks are tried for three days, with a day and more between two tries, and each try is a new version. */
const RECORD_DAYS_MIN = 2;
const WEBHOOK_DAYS = 4;

/** The one database, and the videos. It outlives the stack. */
export class VideoBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { bucketName, retentionDays, told }: VideoBucketProps) {
    super(scope, id);
    const common: BucketProps = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      removalPolicy: RemovalPolicy.RETAIN,
    };
    const accessLogs = new Bucket(this, "AccessLogs", {
      ...common,
      lifecycleRules: [{ expiration: Duration.days(ACCESS_LOG_DAYS) }],
    });
    this.bucket = new Bucket(this, "Bucket", {
      ...common,
      bucketName,
      // Its optional properties may be undefined, which those of the interface, read exactly, may not.
      serverAccessLogsBucket: accessLogs as IBucket,
      lifecycleRules: lifecycle(retentionDays),
    });
    this.bucket.addToResourcePolicy(demandConditions(this.bucket));
    this.tell(bucketName, told);
  }

  /** The L2 would bring a function of its own for this, because it cannot know the bucket's name beforehand. */
  private tell(bucketName: string, told: VideoBucketProps["told"]): void {
    const queueConfigurations = Object.entries(told).map(([prefix, { queue }]) => ({
      event: "s3:ObjectCreated:*",
      queue: queue.queueArn,
      filter: { s3Key: { rules: [{ name: "prefix", value: prefix }] } },
    }));
    const resource = this.bucket.node.defaultChild as CfnBucket;
    resource.notificationConfiguration = { queueConfigurations };
    for (const queue of Object.values(told)) {
      queue.acceptFrom("s3", `arn:aws:s3:::${bucketName}`);
      // S3 tries the queues when it is told of them, so their policies come first.
      resource.node.addDependency(queue.queue);
    }
  }
}

/** What goes by age; API keys, endpoints, triggers and models stay. Age counts from an object's last write. */
function lifecycle(retentionDays: number): LifecycleRule[] {
  const days = {
    [FOLDERS.artifacts]: retentionDays,
    [FOLDERS.jobs]: Math.max(retentionDays, RECORD_DAYS_MIN),
    [FOLDERS.undelivered]: retentionDays + WEBHOOK_DAYS,
    [FOLDERS.claims]: CLAIM_DAYS,
    [FOLDERS.invocations]: INVOCATION_DAYS,
  };
  const expiring = Object.entries(days).map(([prefix, count]) => ({
    id: `expire-${prefix.slice(0, -1)}`,
    prefix,
    expiration: Duration.days(count),
  }));
  const abandoned = { id: "abort-uploads", abortIncompleteMultipartUploadAfter: Duration.days(1) };
  return [...expiring, abandoned];
}

/** A write that would overwrite whatever is there cannot happen, not even by mistake: the store has no other lock. */
function demandConditions(bucket: Bucket): PolicyStatement {
  return new PolicyStatement({
    sid: "ConditionalWritesOnly",
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ["s3:PutObject"],
    resources: CONDITIONAL_FOLDERS.map((folder) => bucket.arnForObjects(`${folder}*`)),
    // Both keys in one condition: it holds where neither header was sent.
    conditions: { Null: { "s3:if-match": "true", "s3:if-none-match": "true" } },
  });
}
