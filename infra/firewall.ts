import { CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import { Construct } from "constructs";

/** Of one address: a key may have a hundred unfinished videos, and clients ask for each once a second. */
const REQUESTS_MAX = 30_000;
const WINDOW_SECONDS = 300;

const MANAGED_RULES = ["AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet"];

/** AWS WAF for a distribution: turns away floods, addresses of bad repute and known attacks. */
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

/** No request is kept as a sample, since each has an API key. */
function visibility(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false };
}
