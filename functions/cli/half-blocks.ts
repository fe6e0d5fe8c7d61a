/** Picture of a preview for a terminal: each character shows two pixels, one above the other. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 8-bit sRGB pixels [height, width, 3]. */
  readonly rgb: Uint8Array;
}

/** Room in a terminal, in characters. */
export interface Room {
  readonly columns: number;
  readonly rows: number;
}

/** Largest pictures: wider ones would tell no more of so small a picture. */
const COLUMNS_MAX = 48;
const ROWS_MAX = 24;
/** Points along one edge of a character's half whose colours are averaged. */
const POINTS = 3;

/**
 * Returns whether a terminal shows 24-bit colours, as it says in COLORTERM, and nobody asked for none.
 *
 * @see https://no-color.org
 */
export function showsColours(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env.NO_COLOR || env.TERM === "dumb") return false;
  return /^(truecolor|24bit)$/i.test(env.COLORTERM ?? "");
}

/**
 * Draws a picture in half blocks, a line of text for two lines of pixels, as large as the room allows. Returns no line
 * if there is no room for any.
 */
export function halfBlocks(picture: Picture, { columns, rows }: Room): string[] {
  const ratio = picture.height / picture.width;
  const height = 2 * Math.min(ROWS_MAX, rows, Math.round((Math.min(COLUMNS_MAX, columns) * ratio) / 2));
  const width = Math.min(COLUMNS_MAX, columns, Math.round(height / ratio));
  if (width < 2 || height < 2) return [];
  const colour = (x: number, y: number) =>
    sampled(picture, { x: x / width, y: y / height }, { width, height });
  return Array.from({ length: height / 2 }, (_, line) => {
    const characters = Array.from({ length: width }, (_, x) => {
      const [top, bottom] = [colour(x, 2 * line), colour(x, 2 * line + 1)];
      return `\x1b[38;2;${top.join(";")};48;2;${bottom.join(";")}m▀`;
    });
    return `${characters.join("")}\x1b[0m`;
  });
}

/** Returns the mean colour of a pixel of a scaled picture, whose corner is at shares of the sides. */
function sampled(
  picture: Picture,
  corner: { readonly x: number; readonly y: number },
  scaled: { readonly width: number; readonly height: number },
): number[] {
  const sums = [0, 0, 0];
  for (let i = 0; i < POINTS * POINTS; i++) {
    const x = (corner.x + ((i % POINTS) + 0.5) / POINTS / scaled.width) * picture.width;
    const y = (corner.y + (Math.floor(i / POINTS) + 0.5) / POINTS / scaled.height) * picture.height;
    for (const [color, value] of between(picture, x - 0.5, y - 0.5).entries()) sums[color]! += value;
  }
  return sums.map((sum) => Math.round(sum / POINTS ** 2));
}

/** Interpolates a colour between four pixels. */
function between({ width, height, rgb }: Picture, x: number, y: number): number[] {
  const inside = (at: number, length: number) => Math.min(length - 1, Math.max(0, at));
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, down] = [x - left, y - top];
  return [0, 1, 2].map((color) => {
    const at = (column: number, line: number) =>
      rgb[(inside(line, height) * width + inside(column, width)) * 3 + color]!;
    const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
    const lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right;
    return upper * (1 - down) + lower * down;
  });
}
