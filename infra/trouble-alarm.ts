import { Alarm, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Construct } from "constructs";
import type { OpsTopic } from "./ops-topic.ts";
import type { Trouble } from "./trouble.ts";

/** Alarm for a trouble. Its description says what has happened and what to do, and its topic tells people. */
export class TroubleAlarm extends Alarm {
  readonly trouble: Trouble;

  constructor(scope: Construct, id: string, trouble: Trouble, topic: OpsTopic) {
    const { meaning, remedy, metric, threshold, periods = 1, isWanted = false } = trouble;
    super(scope, id, {
      metric,
      threshold,
      alarmDescription: `${meaning} ${remedy}`,
      evaluationPeriods: periods,
      ...(isWanted
        ? {
            comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
            treatMissingData: TreatMissingData.BREACHING,
          }
        : {
            comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treatMissingData: TreatMissingData.NOT_BREACHING,
          }),
    });
    this.trouble = trouble;
    this.addAlarmAction(new SnsAction(topic));
  }
}
