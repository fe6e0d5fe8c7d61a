import { Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";

/** SNS topic of alarms, with a subscription of the email address if there is one. */
export class OpsTopic extends Topic {
  constructor(scope: Construct, id: string, email: string | null) {
    super(scope, id, { enforceSSL: true });
    // A custom policy replaces the one that topics have by default.
    this.addToResourcePolicy(
      new PolicyStatement({
        actions: ["sns:Publish"],
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        resources: [this.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
    if (email !== null) this.addSubscription(new EmailSubscription(email));
  }
}
