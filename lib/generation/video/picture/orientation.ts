import type { Picture } from "./resize.ts";

/**
 * Orientations by EXIF's numbers: whether rows and columns are exchanged, and which of the result then run backwards.
 */
const TURNS: Readonly<Record<number, { swaps: boolean; mirrors: boolean; flips: boolean }>> = {
  2: { swaps: false, mirrors: true, flips: false },
  3: { swaps: false, mirrors: true, flips: true },
  4: { swaps: false, mirrors: false, flips: true },
  5: { swaps: true, mirrors: false, flips: false },
  6: { swaps: true, mirrors: true, flips: false },
  7: { swaps: true, mirrors: true, flips: true },
  8: { swaps: true, mirrors: false, flips: true },
};

/** Returns a picture the right way up. Orientation 1, and a number that EXIF does not know, change nothing. */
export function upright(picture: Picture, orientation: number | undefined): Picture {
  const turn = TURNS[orientation ?? 1];
  if (!turn) return picture;
  const [width, height] = turn.swaps ? [picture.height, picture.width] : [picture.width, picture.height];
  const rgb = new Uint8Array(picture.rgb.length);
  let at = 0;
  for (let row = 0; row < height; row++) {
    const y = turn.flips ? height - 1 - row : row;
    for (let column = 0; column < width; column++) {
      const x = turn.mirrors ? width - 1 - column : column;
      const from = (turn.swaps ? x * picture.width + y : y * picture.width + x) * 3;
      rgb[at++] = picture.rgb[from]!;
      rgb[at++] = picture.rgb[from + 1]!;
      rgb[at++] = picture.rgb[from + 2]!;
    }
  }
  return { width, height, rgb };
}

/** Returns the orientation that a picture's XMP tells, for pictures whose EXIF tells none. */
export function orientationOfXmp(xmp: string | undefined): number | undefined {
  const digit = /tiff:Orientation(?:="|>)(\d)/.exec(xmp ?? "")?.[1];
  return digit === undefined ? undefined : Number(digit);
}
