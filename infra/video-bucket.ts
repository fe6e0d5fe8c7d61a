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
  /** Days for which a version is kept that was deleted or overwritten; without versions at 0. */
  readonly undeleteDays: number;
  /** Queues to notify of new objects, by folder. */
  readonly told: Readonly<Record<string, HintQueue>>;
}

/**
 * Folders that `lib` writes to only with conditional writes. The markers of `unfinished/`, `undelivered/` and
 * `tenant-triggers/` are overwritten on purpose, and a model is pushed by one person at a time.
 */
export const CONDITIONAL_FOLDERS = [
  FOLDERS.jobs,
  FOLDERS.claims,
  FOLDERS.artifacts,
  FOLDERS.inputs,
  FOLDERS.runs,
  FOLDERS.spending,
  FOLDERS.apiKeys,
  FOLDERS.webhookEndpoints,
  FOLDERS.triggers,
];

const INVOCATION_DAYS = 7;
const ACCESS_LOG_DAYS = 90;

/** Lifetime of claims. Idempotency keys are remembered for 30 days at most, those of GitHub's webhooks. */
const CLAIM_DAYS = 31;

/** Lifetime of the ledgers of spending, each of which is of one day. */
const SPENDING_DAYS = 3;

/**
 * Webhooks are retried for three days, with up to a day between two attempts. Each attempt writes the record
 * again.
 */
const RECORD_DAYS_MIN = 2;
const WEBHOOK_DAYS = 4;

/** Bucket of the records and the videos, the only database. It outlives the stack. */
export class VideoBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: VideoBucketProps) {
    super(scope, id);
    const { bucketName, retentionDays, undeleteDays, told } = props;
    const common: BucketProps = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      // A first deployment that fails takes its empty buckets with it, or their names would block the next one.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    };
    const accessLogs = new Bucket(this, "AccessLogs", {
      ...common,
      lifecycleRules: [{ expiration: Duration.days(ACCESS_LOG_DAYS) }],
    });
    this.bucket = new Bucket(this, "Bucket", {
      ...common,
      bucketName,
      // The cast is needed because of exactOptionalPropertyTypes: optional properties of the class may be undefined.
      serverAccessLogsBucket: accessLogs as IBucket,
      versioned: undeleteDays > 0,
      lifecycleRules: [...lifecycle(retentionDays), ...(undeleteDays > 0 ? [oldVersions(undeleteDays)] : [])],
    });
    this.bucket.addToResourcePolicy(demandConditions(this.bucket));
    this.tell(bucketName, told);
  }

  /**
   * Sets the notifications on the L1 construct. The L2 construct would add a Lambda function for it, because
   * it does not know the bucket's name in advance.
   */
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
      // S3 tests the queues when notifications are set, so their policies must exist before.
      resource.node.addDependency(queue.queue);
    }
  }
}

/**
 * Returns the expiration rules. API keys, endpoints, triggers, models and measured runs do not expire. Age counts from
 * an object's last write.
 */
function lifecycle(retentionDays: number): LifecycleRule[] {
  const days = {
    [FOLDERS.artifacts]: retentionDays,
    [FOLDERS.inputs]: retentionDays,
    [FOLDERS.jobs]: Math.max(retentionDays, RECORD_DAYS_MIN),
    [FOLDERS.undelivered]: retentionDays + WEBHOOK_DAYS,
    [FOLDERS.claims]: CLAIM_DAYS,
    [FOLDERS.spending]: SPENDING_DAYS,
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

/** Returns the rule that ends the time in which something can be brought back. */
function oldVersions(days: number): LifecycleRule {
  return {
    id: "expire-old-versions",
    noncurrentVersionExpiration: Duration.days(days),
    expiredObjectDeleteMarker: true,
  };
}

/** Denies unconditional writes, which could overwrite an object by mistake: the store has no other lock. */
function demandConditions(bucket: Bucket): PolicyStatement {
  return new PolicyStatement({
    sid: "ConditionalWritesOnly",
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ["s3:PutObject"],
    resources: CONDITIONAL_FOLDERS.map((folder) => bucket.arnForObjects(`${folder}*`)),
    // Both keys are in one condition, which holds if neither header was sent.
    conditions: { Null: { "s3:if-match": "true", "s3:if-none-match": "true" } },
  });
}
