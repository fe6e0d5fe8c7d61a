export { scheduleChart } from "./schedule-chart.tsx";
export { SCHEDULE_CHART_STYLE } from "./style.ts";
