import { Stack } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import { Construct } from "constructs";
import type { JobFunction } from "./job-function.ts";

/** Calls a function every two minutes. A failed call is not retried, since the next one does the same work. */
export class SweepSchedule extends Construct {
  constructor(scope: Construct, id: string, { lambda }: JobFunction) {
    super(scope, id);
    lambda.configureAsyncInvoke({ retryAttempts: 0 });
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [lambda.functionArn] }),
    );
    new CfnSchedule(this, "Schedule", {
      scheduleExpression: "rate(2 minutes)",
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: lambda.functionArn,
        roleArn: role.roleArn,
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      },
    });
  }
}
