import { ArnFormat, Stack } from "aws-cdk-lib";
import {
  Alarm,
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import type { TroubleAlarm } from "./trouble-alarm.ts";

/** Metrics over time. */
export interface Graph {
  readonly title: string;
  readonly metrics: readonly IMetric[];
}

/** Numbers that are only in a log: the answer of CloudWatch Logs Insights to a query. */
export interface LogTable {
  readonly title: string;
  readonly logGroupName: string;
  /** Clauses of the query, in order. */
  readonly query: readonly string[];
}

export interface DashboardProps {
  readonly name: string;
  readonly alarms: readonly TroubleAlarm[];
  readonly graphs: readonly (Graph | LogTable)[];
}

/** Units of CloudWatch's grid, which is 24 wide. */
const WIDTH = 24;
const COLUMNS = 3;
const HEIGHT = 6;

/** CloudWatch dashboard: the state of all alarms, and below it the graphs, three in a row. */
export class Dashboard extends Construct {
  /** Address of the dashboard in the console. */
  readonly url: string;

  constructor(scope: Construct, id: string, { name, alarms, graphs }: DashboardProps) {
    super(scope, id);
    const { region } = Stack.of(this);
    const named = alarms.map(({ fullName }) => Alarm.fromAlarmArn(this, fullName, this.arnOf(fullName)));
    const state = new AlarmStatusWidget({ title: "Alarms", alarms: named, width: WIDTH, height: 3 });
    const widgets = graphs.map((graph) => widgetOf(graph, region));
    const rows = Array.from({ length: Math.ceil(widgets.length / COLUMNS) }, (_, row) =>
      widgets.slice(row * COLUMNS, (row + 1) * COLUMNS),
    );
    new CloudWatchDashboard(this, "Board", { dashboardName: name, widgets: [[state], ...rows] });
    this.url = `https://${region}.console.aws.amazon.com/cloudwatch/home#dashboards/dashboard/${name}`;
  }

  /** Returns the ARN of an alarm of this stack by its name, so that the dashboard needs nothing of the alarm itself. */
  private arnOf(alarmName: string): string {
    return Stack.of(this).formatArn({
      service: "cloudwatch",
      resource: "alarm",
      resourceName: alarmName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }
}

function widgetOf(graph: Graph | LogTable, region: string): IWidget {
  const place = { title: graph.title, region, width: WIDTH / COLUMNS, height: HEIGHT };
  if ("metrics" in graph)
    return new GraphWidget({ ...place, left: [...graph.metrics], leftYAxis: { min: 0, showUnits: false } });
  return new LogQueryWidget({
    ...place,
    view: LogQueryVisualizationType.TABLE,
    logGroupNames: [graph.logGroupName],
    queryLines: [...graph.query],
  });
}
