#!/usr/bin/env bash
# aws-cdk-lib: an alarm on `distribution.metric5xxErrorRate()` watches a metric that nobody publishes.
#
# Expected: the metrics that the construct of a distribution offers are those of CloudFront. An alarm made of one goes off if
# the distribution answers with errors.
#
# What happens: CloudFront publishes its metrics with two dimensions, DistributionId and Region, the latter always `Global`, and
# in us-east-1 only ("Types of metrics for CloudFront" in its guide). All 14 metrics of `Distribution` ask for
# DistributionId alone, which to CloudWatch is another metric, without data. A stack in another region gets such an alarm too,
# and no warning. The classes that the same package generates from AWS's own description demand both dimensions.
#
# Why it matters: an alarm without data says INSUFFICIENT_DATA, which looks like a site without visitors; with
# `treatMissingData: NOT_BREACHING`, the usual choice for error rates, it says OK, during an outage too. Pass `dimensionsMap`,
# which replaces the dimensions, so name the distribution in it as well, and put the alarm into a stack in us-east-1. Then make
# it go off once.
#
# Versions: aws-cdk-lib 2.276.0, constructs 10.8.1, Node 20.20. Date: 2026-12-01
# Needs: node with npm, no AWS account, as it reads templates alone; exits with 1 if the behaviour has changed
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts aws-cdk-lib@2.276.0 constructs@10.8.1
cat >main.mjs <<'JS'
import { readFileSync } from "node:fs";
import cdk from "aws-cdk-lib";
import { Annotations, Match, Template } from "aws-cdk-lib/assertions";
import { Distribution } from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";

/** Makes a distribution, and an alarm on the metric that `metricOf` makes; returns the dimensions in the alarm's template. */
function alarm(region, metricOf) {
  const stack = new cdk.Stack(new cdk.App(), "Videos", { env: { region, account: "123456789012" } });
  const distribution = new Distribution(stack, "Site", {
    defaultBehavior: { origin: new HttpOrigin("example.com") },
    publishAdditionalMetrics: true,
  });
  metricOf(distribution).createAlarm(stack, "Errors", {
    threshold: 5,
    evaluationPeriods: 3,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  const template = Template.fromStack(stack);
  const [{ Properties }] = Object.values(template.findResources("AWS::CloudWatch::Alarm"));
  const warnings = Annotations.fromStack(stack).findWarning("*", Match.anyValue());
  return { names: Properties.Dimensions.map(({ Name }) => Name).join(" and "), warnings: warnings.length };
}

const methods = [];
for (let type = Distribution.prototype; type; type = Object.getPrototypeOf(type)) {
  methods.push(...Object.getOwnPropertyNames(type).filter((name) => /^metric./.test(name)));
}
const asked = new Set();
let warnings = 0;
for (const region of ["us-east-1", "eu-west-1"]) {
  for (const method of methods) {
    const made = alarm(region, (distribution) => distribution[method]());
    asked.add(made.names);
    warnings += made.warnings;
  }
}
const rate = (distribution) =>
  distribution.metric5xxErrorRate({ dimensionsMap: { DistributionId: distribution.distributionId, Region: "Global" } });
const repaired = alarm("us-east-1", rate).names;
const generated = readFileSync("node_modules/aws-cdk-lib/aws-cloudfront/lib/cloudfront-canned-metrics.generated.d.ts", "utf8");
const demanded = /static requestsSum\(this: void, dimensions: \{([^}]*)\}/.exec(generated)[1].match(/\w+(?=:)/g).join(" and ");

const all = [...asked].join(", or ");
console.log(`alarms on the ${methods.length} metrics of a distribution, in two regions: ${all}; ${warnings} warnings`);
console.log(`the package's classes made from AWS's description: ${demanded}`);
console.log(`with dimensionsMap: ${repaired}`);
const both = "DistributionId and Region";
const isAsDescribed = all === "DistributionId" && warnings === 0 && demanded === both && repaired === both;
process.exit(isAsDescribed ? 0 : 1);
JS
node main.mjs
