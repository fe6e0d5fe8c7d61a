import { Stack } from "aws-cdk-lib";
import { CfnBudget } from "aws-cdk-lib/aws-budgets";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { OpsTopic } from "./ops-topic.ts";

export interface MonthlyBudgetProps {
  /** Begins the budget's name. */
  readonly name: string;
  readonly dollars: number;
  readonly topic: OpsTopic;
}

/** Shares of the budget, in percent, at which people are told. */
const SPENT = [80, 100];
const FORECAST = 100;

/**
 * Monthly budget of the whole account. It is not limited to the tag of the deployment, because a budget by tag counts
 * nothing until the tag is activated by hand in the account's billing.
 */
export class MonthlyBudget extends Construct {
  constructor(scope: Construct, id: string, { name, dollars, topic }: MonthlyBudgetProps) {
    super(scope, id);
    const allowed = topic.addToResourcePolicy(
      new PolicyStatement({
        actions: ["sns:Publish"],
        principals: [new ServicePrincipal("budgets.amazonaws.com")],
        resources: [topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
    const at = (notificationType: "ACTUAL" | "FORECASTED", threshold: number) => ({
      notification: {
        notificationType,
        comparisonOperator: "GREATER_THAN",
        threshold,
        thresholdType: "PERCENTAGE",
      },
      subscribers: [{ subscriptionType: "SNS", address: topic.topicArn }],
    });
    const budget = new CfnBudget(this, "Budget", {
      budget: {
        budgetName: `${name}-monthly`,
        budgetType: "COST",
        timeUnit: "MONTHLY",
        budgetLimit: { amount: dollars, unit: "USD" },
      },
      notificationsWithSubscribers: [
        ...SPENT.map((share) => at("ACTUAL", share)),
        at("FORECASTED", FORECAST),
      ],
    });
    // Budgets checks that it may publish when a budget is created.
    if (allowed.policyDependable) budget.node.addDependency(allowed.policyDependable);
  }
}
