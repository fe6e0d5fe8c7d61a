/** Frame and style sheet of the charts of the benchmarks, which follow the reader's light or dark scheme. */

/** Width of a chart in pixels. */
export const WIDTH = 820;

/** Colour on light and on dark paper. */
export type Colours = readonly [light: string, dark: string];

/** Colours of paper and text; those of series pass WCAG AA beside them. */
const PAPER: Readonly<Record<string, Colours>> = {
  paper: ["#ffffff", "#12161d"],
  ink: ["#1f2937", "#e5e7eb"],
  faint: ["#5b6472", "#a3acb9"],
  grid: ["#e3e6ea", "#2b323c"],
};

/** Returns the style sheet of a chart whose series are groups with these classes. */
export function styleSheet(series: Readonly<Record<string, Colours>>): string {
  const colours = Object.entries({ ...PAPER, ...series });
  const variables = (scheme: 0 | 1) => colours.map(([name, pair]) => `--${name}: ${pair[scheme]}`).join("; ");
  const rules = Object.keys(series).map(
    (name) =>
      `.${name} { --series: var(--${name}) } .${name} text { fill: var(--series) } ` +
      `.${name} .mark { fill: var(--series); stroke: var(--series) } .${name} .hollow { fill: var(--paper) } ` +
      `.${name} .line, .${name} .reach { stroke: var(--series) }`,
  );
  return `
svg { ${variables(0)}; font: 12px system-ui, -apple-system, "Segoe UI", sans-serif }
@media (prefers-color-scheme: dark) {
  svg { ${variables(1)} } }
text { fill: var(--faint) }
.paper { fill: var(--paper); stroke: var(--grid) }
.title { fill: var(--ink); font-size: 15px; font-weight: 600 }
.grid { stroke: var(--grid); fill: none }
.axis { stroke: var(--faint); fill: none }
.mark { stroke-width: 2 }
.line { fill: none; stroke-width: 1.5; stroke-opacity: .55 }
.label { stroke: var(--paper); stroke-width: 3; paint-order: stroke; stroke-linejoin: round }
.reach { fill: none; stroke-width: 1.5; stroke-opacity: .45 }
${rules.join("\n")}`;
}

/** Draws panels below each other as a standalone SVG. */
export function chartDocument(
  panels: readonly string[],
  {
    panelHeight,
    title,
    description,
    style,
  }: Readonly<Record<"title" | "description" | "style", string>> & {
    readonly panelHeight: number;
  },
): string {
  const height = panels.length * panelHeight + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
      `role="img" aria-labelledby="title description">`,
    `<title id="title">${title}</title>`,
    `<desc id="description">${description}</desc>`,
    `<style>${style}</style>`,
    `<rect class="paper" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    ...panels.map((panel, index) => `<g transform="translate(0 ${index * panelHeight})">${panel}</g>`),
    "</svg>\n",
  ].join("\n");
}
