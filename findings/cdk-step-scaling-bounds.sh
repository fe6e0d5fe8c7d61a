#!/usr/bin/env bash
# aws-cdk-lib: a scaling step "below 1" also runs at 1, so one waiting video takes a worker away.
#
# Expected: the documentation of `ScalingInterval` says that a step applies if the metric is lower than `upper`, and higher than
# or equal to `lower`. Then `{ upper: 1, change: -1 }` removes a worker if no video waits, and steps that touch do not overlap.
#
# What happens: the alarm of the lower steps compares by LessThanOrEqualToThreshold (StepScalingPolicy in
# step-scaling-policy.js), that of the upper steps by GreaterThanOrEqualToThreshold. At the bound itself the lower step runs too.
# `[{ upper: 1, change: -1 }, { lower: 2, change: 1 }]` removes a worker while one video waits, where it should leave them alone.
# If the steps touch at 1, both alarms are on at 1: one policy removes and the other adds. The same holds for exact capacities.
# There is no warning. Lengths of queues are whole numbers, and bounds are what they meet.
#
# Why it matters: a single video is the usual length of a queue. Its worker is taken away, perhaps in the middle of it, and started
# again, which costs a GPU's start each time and loses what had been computed. Write `upper: 0` for an empty queue, and read the
# comparison in the template.
#
# Versions: aws-cdk-lib 2.276.0, constructs 10.8.1, Node 20.20. Date: 2026-12-01
# Needs: npm, and no AWS account, as it reads templates alone. Exits with 1 if the behaviour has changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts aws-cdk-lib@2.276.0 constructs@10.8.1
cat >main.mjs <<'JS'
import { readFileSync } from "node:fs";
import cdk from "aws-cdk-lib";
import { Annotations, Match, Template } from "aws-cdk-lib/assertions";
import { AdjustmentType, ScalableTarget, ServiceNamespace } from "aws-cdk-lib/aws-applicationautoscaling";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";

const isOn = {
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  GreaterThanThreshold: (value, threshold) => value > threshold,
};

/** Returns what the alarms of a template with these steps do while 0, 1 and 2 videos wait. */
function actions(scalingSteps, adjustmentType) {
  const stack = new cdk.Stack(new cdk.App(), "Videos");
  const target = new ScalableTarget(stack, "Workers", {
    serviceNamespace: ServiceNamespace.ECS,
    resourceId: "service/videos/workers",
    scalableDimension: "ecs:service:DesiredCount",
    minCapacity: 0,
    maxCapacity: 4,
  });
  const metric = new Metric({ namespace: "Videos", metricName: "Waiting", statistic: "Maximum" });
  target.scaleOnMetric("Scaling", { metric, scalingSteps, adjustmentType });
  const template = Template.fromStack(stack);
  const alarms = Object.values(template.findResources("AWS::CloudWatch::Alarm")).map(({ Properties }) => Properties);
  const policies = template.findResources("AWS::ApplicationAutoScaling::ScalingPolicy");
  if (Annotations.fromStack(stack).findWarning("*", Match.anyValue()).length > 0) return "a warning";
  const done = [0, 1, 2].map((waiting) => {
    const on = alarms.filter(({ ComparisonOperator, Threshold }) => isOn[ComparisonOperator](waiting, Threshold));
    const changes = on.map(({ AlarmActions: [{ Ref }] }) => {
      const { StepAdjustments } = policies[Ref].Properties.StepScalingPolicyConfiguration;
      return StepAdjustments.map(({ ScalingAdjustment }) => ScalingAdjustment).join("/");
    });
    return `${waiting}: ${changes.join(" and ") || "none"}`;
  });
  return done.join(", ");
}

const typings = readFileSync("node_modules/aws-cdk-lib/aws-applicationautoscaling/lib/step-scaling-policy.d.ts", "utf8");
const documented = /if the metric is (lower than [^.]*)\./.exec(typings)[1];
const seen = [
  ["apart", actions([{ upper: 1, change: -1 }, { lower: 2, change: 1 }], AdjustmentType.CHANGE_IN_CAPACITY)],
  ["touching", actions([{ upper: 1, change: -1 }, { lower: 1, change: 1 }], AdjustmentType.CHANGE_IN_CAPACITY)],
  ["exact", actions([{ upper: 1, change: 0 }, { lower: 1, change: 1 }], AdjustmentType.EXACT_CAPACITY)],
];
console.log(`documented of upper: applies if the metric is ${documented}`);
for (const [name, changes] of seen) console.log(`${name.padEnd(9)} changes by the number of waiting videos: ${changes}`);
const expected = ["0: -1, 1: -1, 2: 1", "0: -1, 1: -1 and 1, 2: 1", "0: 0, 1: 0 and 1, 2: 1"];
const isAsDescribed = documented === "lower than this value" && seen.every(([, changes], index) => changes === expected[index]);
process.exit(isAsDescribed ? 0 : 1);
JS
node main.mjs
