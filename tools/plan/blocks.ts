import { table } from "../bench/markdown.ts";

/** Part of a report, which can be formatted as plain text or as Markdown. */
export type Block =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly string[] }
  | {
      readonly kind: "table";
      readonly header: readonly string[];
      readonly rows: readonly (readonly string[])[];
      /** Indices of text columns, aligned to the left; all others are aligned to the right. */
      readonly textColumns?: readonly number[];
    };

export const heading = (text: string): Block => ({ kind: "heading", text });
export const paragraph = (text: string): Block => ({ kind: "paragraph", text });
export const list = (items: readonly string[]): Block => ({ kind: "list", items });

/** Formats blocks as text for a terminal. */
export function plainText(blocks: readonly Block[]): string {
  const parts = blocks.map((block) => {
    if (block.kind === "table") return plainTable(block);
    if (block.kind === "list") return block.items.map((item) => `- ${item}`).join("\n");
    return block.kind === "heading" ? `${block.text}\n${"=".repeat(block.text.length)}` : block.text;
  });
  return `${parts.join("\n\n")}\n`;
}

/** Formats blocks as Markdown, with headings of a level. */
export function markdown(blocks: readonly Block[], level = 2): string {
  const parts = blocks.map((block) => {
    if (block.kind === "table") return table(block.header, block.rows, block.textColumns);
    if (block.kind === "list") return block.items.map((item) => `- ${item}`).join("\n");
    return block.kind === "heading" ? `${"#".repeat(level)} ${block.text}` : block.text;
  });
  return `${parts.join("\n\n")}\n`;
}

function plainTable({ header, rows, textColumns = [0] }: Extract<Block, { kind: "table" }>): string {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((cells) => cells[column]!.length)),
  );
  return [header, widths.map((width) => "-".repeat(width)), ...rows]
    .map((cells) =>
      cells
        .map((cell, column) =>
          textColumns.includes(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
