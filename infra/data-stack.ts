import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from "aws-cdk-lib";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import type { DeploymentConfig } from "./config.ts";
import { HintQueue } from "./hint-queue.ts";
import { FOLDERS, sharedNames } from "./names.ts";
import { VideoBucket } from "./video-bucket.ts";

export interface DataStackProps extends StackProps {
  readonly config: DeploymentConfig;
}

const MASTER_SECRET_CHARACTERS = 64;

/**
 * Stack of the data that must not be lost: the bucket, the master key, and the queues that the bucket
 * notifies of new objects.
 */
export class DataStack extends Stack {
  readonly work: HintQueue;
  readonly webhooks: HintQueue;

  constructor(scope: Construct, id: string, { config, ...props }: DataStackProps) {
    super(scope, id, { ...props, terminationProtection: config.terminationProtection });
    const names = sharedNames(config);

    this.work = new HintQueue(this, "Work", { consumerTimeout: Duration.seconds(30) });
    this.webhooks = new HintQueue(this, "Webhooks", { consumerTimeout: Duration.seconds(60) });
    new VideoBucket(this, "Videos", {
      bucketName: names.bucket,
      retentionDays: config.retentionDays,
      undeleteDays: config.undeleteDays,
      told: { [FOLDERS.unfinished]: this.work, [FOLDERS.undelivered]: this.webhooks },
    });
    addMasterSecret(this, names.masterSecret);

    const store = `AWS_REGION=${config.region} STORE=s3://${names.bucket}`;
    new CfnOutput(this, "BucketName", { value: names.bucket });
    new CfnOutput(this, "PushModel", { value: `${store} npm run models -- push <folder>` });
    new CfnOutput(this, "CreateKey", { value: `${store} npm run keys -- create` });
    new CfnOutput(this, "WorkDeadLetters", { value: this.work.deadLetters.queueUrl });
    new CfnOutput(this, "WebhookDeadLetters", { value: this.webhooks.deadLetters.queueUrl });
  }
}

function addMasterSecret(stack: Stack, secretName: string): void {
  const secret = new Secret(stack, "MasterKey", {
    secretName,
    description: "What the signing secrets of all webhooks are derived from",
    generateSecretString: { passwordLength: MASTER_SECRET_CHARACTERS, excludePunctuation: true },
    // As the bucket: kept, unless the deployment that makes it fails.
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  });
  Validations.of(secret).acknowledge({
    id: "AwsSolutions-SMG4",
    reason: "Another master key would invalidate every signing secret that receivers of webhooks hold.",
  });
}
