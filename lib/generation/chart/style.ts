/**
 * Style sheet inside every chart; a page that shows charts allows it in its content security policy. Its colours pass
 * WCAG AA on white and on near-black; every series also has its own shape.
 */
export const SCHEDULE_CHART_STYLE = `
.schedule-chart { --ink: #1f2937; --faint: #5b6472; --grid: #d8dce2; --points: #1d4ed8; --stairs: #0f766e;
  --line: #b45309; --computed: #1d4ed8; --reused: #dbe3f4;
  font: 12px system-ui, sans-serif; width: 100%; height: auto; display: block }
@media (prefers-color-scheme: dark) {
  .schedule-chart { --ink: #e5e7eb; --faint: #a3acb9; --grid: #39404b; --points: #7db0ff; --stairs: #4fd1c0;
    --line: #f6ad55; --computed: #7db0ff; --reused: #2c3646 } }
.schedule-chart text { fill: var(--faint) }
.schedule-chart .heading { fill: var(--ink); font-weight: 600 }
.schedule-chart .grid { stroke: var(--grid); fill: none }
.schedule-chart .threshold { stroke: var(--faint); stroke-dasharray: 4 4; fill: none }
.schedule-chart .leader { stroke: var(--faint); fill: none }
.schedule-chart .band { fill: var(--grid); fill-opacity: .35 }
.schedule-chart .held { stroke: var(--points); stroke-opacity: .35; stroke-width: 2; fill: none }
.schedule-chart .point { fill: var(--points) }
.schedule-chart .stairs { stroke: var(--stairs); stroke-width: 2; fill: none }
.schedule-chart .mark { fill: var(--line) }
.schedule-chart .line { stroke: var(--line); stroke-opacity: .5; fill: none }
.schedule-chart .computed { fill: var(--computed) }
.schedule-chart .reused { fill: var(--reused) }`;
