/** Screen of a terminal, as far as the displays of the commands need one: it wraps lines, and keeps colours. */
export interface Screen {
  write(text: string): void;
  /** Makes the screen as wide as that. Lines that were written are wrapped anew, as most terminals do. */
  resize(columns: number): void;
  /** Rows without trailing spaces, without empty ones at the end. */
  rows(): string[];
  /** Colours of a cell, above and below, as they were set; null without any. */
  coloursAt(row: number, column: number): string | null;
}

interface Cell {
  readonly character: string;
  readonly colours: string | null;
}

export function screenOf(columns: number): Screen {
  let width = columns;
  /** Lines as they were ended by the program, which are shown in as many rows as they need. */
  let lines: Cell[][] = [[]];
  let [line, column] = [0, 0];
  let colours: string | null = null;

  /** Rows of all lines, each with its line and its first column. */
  const placed = () =>
    lines.flatMap((cells, index) =>
      Array.from({ length: Math.max(1, Math.ceil(cells.length / width)) }, (_, row) => ({
        line: index,
        from: row * width,
        cells: cells.slice(row * width, (row + 1) * width),
      })),
    );

  function move(up: number): void {
    const rows = placed();
    const at = rows.findLastIndex((row) => row.line === line && row.from <= column);
    const target = rows[Math.max(0, at - up)]!;
    [line, column] = [target.line, target.from + ((column - rows[at]!.from) % width)];
  }

  function erase(): void {
    lines = lines.slice(0, line + 1);
    lines[line] = lines[line]!.slice(0, column);
  }

  function returned(): void {
    column = Math.floor(Math.max(0, column - (column > 0 && column % width === 0 ? 1 : 0)) / width) * width;
  }

  return {
    write(text) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: sequences of a terminal begin with an escape.
      for (const [part] of text.matchAll(/\x1b\[([\d;]*)([A-Za-z])|[\s\S]/gu)) {
        const sequence = /^.\[([\d;]*)([A-Za-z])$/u.exec(part);
        if (sequence) {
          const [, numbers, kind] = sequence as unknown as [string, string, string];
          if (kind === "A") move(Number(numbers || 1));
          else if (kind === "J") erase();
          else if (kind === "m") colours = numbers === "0" ? null : numbers;
          else throw new Error(`unknown sequence ${JSON.stringify(part)}`);
        } else if (part === "\r") returned();
        else if (part === "\n") {
          line += 1;
          lines[line] ??= [];
          column = 0;
        } else {
          lines[line]![column] = { character: part, colours };
          column += 1;
        }
      }
    },
    resize(columns) {
      width = columns;
    },
    rows() {
      const texts = placed().map(({ cells }) =>
        Array.from(cells, (cell) => cell?.character ?? " ")
          .join("")
          .trimEnd(),
      );
      return texts.slice(0, texts.findLastIndex((text) => text !== "") + 1);
    },
    coloursAt: (row, at) => placed()[row]?.cells[at]?.colours ?? null,
  };
}
