import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { allowsToPublish, templateOf } from "./deployment.ts";

const template = templateOf("edge", { monthlyBudgetUsd: "250", alarmEmail: "ops@example.com" });

describe("a monthly budget", () => {
  it("a budget exists only where one is configured", () => {
    templateOf("edge").resourceCountIs("AWS::Budgets::Budget", 0);
    template.resourceCountIs("AWS::Budgets::Budget", 1);
  });

  it("a budget counts the whole account, in dollars a month", () => {
    template.hasResourceProperties("AWS::Budgets::Budget", {
      Budget: {
        BudgetName: "adareel-eu-central-1-monthly",
        BudgetType: "COST",
        TimeUnit: "MONTHLY",
        BudgetLimit: { Amount: 250, Unit: "USD" },
        CostFilters: Match.absent(),
      },
    });
  });

  it("a budget tells the topic of the alarms, at 80 and 100 % and when 100 % is forecast", () => {
    const [budget] = Object.values(template.findResources("AWS::Budgets::Budget"));
    const [topic] = Object.keys(template.findResources("AWS::SNS::Topic"));
    interface Told {
      readonly Notification: Record<string, unknown>;
      readonly Subscribers: unknown;
    }
    const told: Told[] = budget!.Properties.NotificationsWithSubscribers;
    expect(told.map(({ Notification }) => [Notification.NotificationType, Notification.Threshold])).toEqual([
      ["ACTUAL", 80],
      ["ACTUAL", 100],
      ["FORECASTED", 100],
    ]);
    for (const { Notification } of told)
      expect(Notification).toMatchObject({ ComparisonOperator: "GREATER_THAN", ThresholdType: "PERCENTAGE" });
    for (const { Subscribers } of told)
      expect(Subscribers).toEqual([{ SubscriptionType: "SNS", Address: { Ref: topic } }]);
  });

  it("a budget may publish to the topic, for this account alone, before it is created", () => {
    const policy = allowsToPublish(Match.arrayWith(["budgets.amazonaws.com"]));
    template.hasResourceProperties("AWS::SNS::TopicPolicy", policy);
    template.hasResource("AWS::Budgets::Budget", { DependsOn: [Match.stringLikeRegexp("^OpsPolicy")] });
  });
});
