/** Document written by the benchmarks. Each benchmark owns one section and leaves the others unchanged. */

const HEAD = `# Benchmarks

Written by \`npm run bench\`, one section per benchmark. Manual edits will be overwritten.
`;

/** Names of the sections, in the order of the document. */
const SECTIONS = [
  "policies",
  "promises",
  "precision",
  "pictures",
  "previews",
  "step",
  "builds",
  "model",
  "api",
  "workers",
] as const;
export type SectionName = (typeof SECTIONS)[number];

/**
 * Replaces one section of the document, or adds it in its place.
 *
 * @param document  "" for a new document
 * @throws Error if a section has no end marker
 */
export function withSection(document: string, name: SectionName, body: string): string {
  const sections = new Map(SECTIONS.map((section) => [section, readSection(document, section)]));
  sections.set(name, body.trim());
  const written = SECTIONS.flatMap((section) => {
    const text = sections.get(section);
    return text ? [`${begin(section)}\n${text}\n${end(section)}\n`] : [];
  });
  return [HEAD, ...written].join("\n");
}

/** Formats a table. Cells are aligned to the right, except in `textColumns`. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns: readonly number[] = [0],
): string {
  const rule = header.map((_, column) => (textColumns.includes(column) ? "---" : "---:"));
  return [header, rule, ...rows].map((cells) => `| ${cells.map(escapeCell).join(" | ")} |`).join("\n");
}

function readSection(document: string, name: SectionName): string | null {
  const from = document.indexOf(begin(name));
  if (from < 0) return null;
  const to = document.indexOf(end(name), from);
  if (to < 0) throw new Error(`the section ${name} begins and does not end: put ${end(name)} after it`);
  return document.slice(from + begin(name).length, to).trim();
}

const begin = (name: SectionName) => `<!-- bench:${name} -->`;
const end = (name: SectionName) => `<!-- /bench:${name} -->`;
const escapeCell = (text: string) => text.replaceAll("|", "\\|");
