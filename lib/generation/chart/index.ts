export { escapeHtml } from "./escape-html.ts";
export { SCHEDULE_CHART_STYLE, scheduleChart } from "./schedule-chart.ts";
