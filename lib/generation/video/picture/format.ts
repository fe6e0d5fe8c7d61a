/** Kind of picture that is decoded. */
export type PictureFormat = "png" | "jpeg" | "gif" | "webp" | "tiff" | "avif";

/** Beginnings of TIFF and BigTIFF, of either byte order. */
const TIFF = ["II*\0", "II+\0", "MM\0*", "MM\0+"];

const CONVERT = "convert it to PNG or JPEG";

/** Beginnings of other files that people take for pictures, each with what is said of them. */
const OTHERS: readonly (readonly [string | RegExp, string])[] = [
  [/^.{4}ftyp(hei[cxms]|hev[cx]|mif1|msf1)/s, `it is a HEIC picture, which is not decoded: ${CONVERT}`],
  [/^.{4}ftyp/s, "it is a video or a picture that is not decoded: save a frame of it as PNG or JPEG"],
  ["\x1aE\xdf\xa3", "it is a video: save a frame of it as PNG or JPEG"],
  ["\xff\x0a", `it is a JPEG XL picture, which is not decoded: ${CONVERT}`],
  ["\0\0\0\x0cJXL ", `it is a JPEG XL picture, which is not decoded: ${CONVERT}`],
  ["\0\0\0\x0cjP", `it is a JPEG 2000 picture, which is not decoded: ${CONVERT}`],
  ["BM", `it is a BMP picture, which is not decoded: ${CONVERT}`],
  ["8BPS", `it is a Photoshop document, which is not decoded: ${CONVERT}`],
  ["%PDF", `it is a PDF document, which is not decoded: ${CONVERT}`],
  [/^(\xef\xbb\xbf)?\s*<(!doctype html|html)/i, "it is a web page and not a picture"],
  [/^(\xef\xbb\xbf)?\s*<.*svg[\s>]/is, `it is an SVG drawing, which is never rendered: ${CONVERT}`],
];

/**
 * Returns the kind of a picture by its first bytes, whatever its name says. No decoder sees a file of another kind.
 *
 * @throws RangeError if the bytes are no picture that is decoded; the message can follow a colon
 */
export function formatOf(bytes: Uint8Array): PictureFormat {
  if (bytes.length === 0) throw new RangeError("the file is empty");
  const start = Buffer.from(bytes.subarray(0, 2048)).toString("latin1");
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (start.startsWith("\xff\xd8\xff")) return "jpeg";
  if (/^GIF8[79]a/.test(start)) return "gif";
  if (/^RIFF.{4}WEBP/s.test(start)) return "webp";
  if (TIFF.some((sign) => start.startsWith(sign))) return "tiff";
  if (brandsOf(start).some((brand) => brand === "avif")) return "avif";
  const other = OTHERS.find(([sign]) =>
    typeof sign === "string" ? start.startsWith(sign) : sign.test(start),
  );
  throw new RangeError(other?.[1] ?? "it is not a PNG, JPEG, WebP, GIF, AVIF or TIFF picture");
}

/** Returns the brands of the first box of an ISO media file: the major one and those it is compatible with. */
function brandsOf(start: string): string[] {
  if (start.slice(4, 8) !== "ftyp") return [];
  const length = Buffer.from(start.slice(0, 4), "latin1").readUInt32BE();
  const brands = start.slice(8, length).match(/.{4}/gs) ?? [];
  return brands.filter((_, index) => index !== 1); // the second is the version
}
