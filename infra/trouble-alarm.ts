import { Alarm, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Construct } from "constructs";
import type { OpsTopic } from "./ops-topic.ts";
import type { Trouble } from "./trouble.ts";

export interface TroubleAlarmProps {
  /** Name of the deployment, which begins the alarm's; in us-east-1 with its region. */
  readonly deployment: string;
  readonly trouble: Trouble;
  readonly topic: OpsTopic;
}

/** Alarm named after its trouble. Its description says what has happened and what to do; its topic tells people. */
export class TroubleAlarm extends Alarm {
  readonly trouble: Trouble;
  readonly fullName: string;

  constructor(scope: Construct, id: string, { deployment, trouble, topic }: TroubleAlarmProps) {
    const fullName = `${deployment}-${id}`;
    const { meaning, remedy, metric, threshold, periods = 1, isWanted = false } = trouble;
    super(scope, id, {
      metric,
      threshold,
      alarmName: fullName,
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
    this.fullName = fullName;
    this.addAlarmAction(new SnsAction(topic));
  }
}
