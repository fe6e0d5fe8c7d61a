export { escapeHtml } from "./escape-html.ts";
export { scheduleChart } from "./schedule-chart.ts";
