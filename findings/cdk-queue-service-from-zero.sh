#!/usr/bin/env bash
# aws-cdk-lib: a `QueueProcessingFargateService` that may scale to zero does not start before the hundredth message.
#
# Expected: with `minScalingCapacity: 0` the service has no task while its queue is empty, and one when a message comes.
#
# What happens: configureAutoscalingForService (queue-processing-service-base.js) adds a task from 100 visible messages on, five
# from 500 on, and removes one at none. In between only the use of the CPU scales, which does not exist without a task. So up to 99
# messages wait until they expire, after four days by default, and no warning says so at synthesis. The steps are the default of
# `scalingSteps`, whatever the minimum is. The step at none also counts messages that are being worked on as gone: they are not
# visible, so the last task is removed while it works (issue 9242 asked for another metric, and was closed).
#
# Why it matters: scaling to zero is why one sets the minimum, and a service for videos that has 99 of them waiting is rare: it
# seems dead, or loses what it was sent. With one task at least all seems well, and a GPU runs all month. Set `scalingSteps` from
# 1 on, and let the metric of the lower step count visible and invisible messages; a construct of one's own is shorter.
#
# Versions: aws-cdk-lib 2.276.0, constructs 10.8.1, Node 20.20. Date: 2026-12-01
# Needs: npm, and no AWS account, as it reads templates alone. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts constructs@10.8.1 aws-cdk-lib@2.276.0
cat >main.mjs <<'JS'
import cdk from "aws-cdk-lib";
import { Annotations, Match, Template } from "aws-cdk-lib/assertions";
import { ContainerImage } from "aws-cdk-lib/aws-ecs";
import { QueueProcessingFargateService } from "aws-cdk-lib/aws-ecs-patterns";

const stack = new cdk.Stack(new cdk.App(), "Videos");
new QueueProcessingFargateService(stack, "Workers", {
  image: ContainerImage.fromRegistry("example.com/worker"),
  minScalingCapacity: 0,
  maxScalingCapacity: 4,
});
const template = Template.fromStack(stack);
const resources = (type) => Object.values(template.findResources(type)).map(({ Properties }) => Properties);
const policies = template.findResources("AWS::ApplicationAutoScaling::ScalingPolicy");
const alarms = resources("AWS::CloudWatch::Alarm");
const isOn = {
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
};

/** Returns how many tasks the alarms add while so many messages are visible. */
function added(visible) {
  const on = alarms.filter(({ ComparisonOperator, Threshold }) => isOn[ComparisonOperator](visible, Threshold));
  const changes = on.map(({ Threshold, AlarmActions: [{ Ref }] }) => {
    const steps = policies[Ref].Properties.StepScalingPolicyConfiguration.StepAdjustments;
    const step = steps.find(
      ({ MetricIntervalLowerBound: lower = -Infinity, MetricIntervalUpperBound: upper = Infinity }) =>
        visible - Threshold >= lower && (visible - Threshold < upper || upper === 0),
    );
    return step.ScalingAdjustment;
  });
  return changes.reduce((sum, change) => sum + change, 0);
}

const [{ MinCapacity }] = resources("AWS::ApplicationAutoScaling::ScalableTarget");
const metrics = [...new Set(alarms.map(({ MetricName }) => MetricName))].join(", ");
const tracked = Object.values(policies).flatMap(({ Properties }) => {
  const tracking = Properties.TargetTrackingScalingPolicyConfiguration;
  return tracking ? [tracking.PredefinedMetricSpecification.PredefinedMetricType] : [];
});
const warnings = Annotations.fromStack(stack).findWarning("*", Match.anyValue());
const aboutScaling = warnings.filter(({ entry }) => /scal|capacity/i.test(String(entry.data))).length;
const changes = [0, 1, 99, 100, 500].map((visible) => `${visible}: ${added(visible)}`).join(", ");
console.log(`fewest tasks ${MinCapacity}; metrics: ${metrics}, and by target ${tracked}; ${aboutScaling} warnings about scaling`);
console.log(`tasks added by the number of visible messages: ${changes}`);
const isAsDescribed =
  MinCapacity === 0 &&
  metrics === "ApproximateNumberOfMessagesVisible" &&
  tracked.join() === "ECSServiceAverageCPUUtilization" &&
  aboutScaling === 0 &&
  changes === "0: -1, 1: 0, 99: 0, 100: 1, 500: 5";
process.exit(isAsDescribed ? 0 : 1);
JS
node main.mjs
