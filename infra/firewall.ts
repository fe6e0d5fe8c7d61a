import { CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import { Construct } from "constructs";

/**
 * Maximum number of requests per address and window: a key may have a hundred unfinished videos, and clients
 * poll each once per second.
 */
const REQUESTS_MAX = 30_000;
const WINDOW_SECONDS = 300;

const MANAGED_RULES = ["AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet"];

/** AWS WAF for a distribution: blocks floods, addresses of bad reputation and known attacks. */
export class Firewall extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const flood: CfnWebACL.RuleProperty = {
      ...named("Flood", 0),
      action: { block: { customResponse: { responseCode: 429 } } },
      statement: {
        rateBasedStatement: {
          aggregateKeyType: "IP",
          limit: REQUESTS_MAX,
          evaluationWindowSec: WINDOW_SECONDS,
        },
      },
    };
    const managed = MANAGED_RULES.map(
      (name, index): CfnWebACL.RuleProperty => ({
        ...named(name, index + 1),
        overrideAction: { none: {} },
        statement: { managedRuleGroupStatement: { vendorName: "AWS", name } },
      }),
    );
    const acl = new CfnWebACL(this, "Acl", {
      scope: "CLOUDFRONT",
      defaultAction: { allow: {} },
      visibilityConfig: visibility("Firewall"),
      rules: [flood, ...managed],
    });
    this.arn = acl.attrArn;
  }
}

function named(name: string, priority: number) {
  return { name, priority, visibilityConfig: visibility(name) };
}

/** Disables samples of requests, since each contains an API key. */
function visibility(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false };
}
