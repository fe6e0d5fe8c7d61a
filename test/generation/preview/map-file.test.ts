import { expect, test } from "vitest";
import { type PreviewFile, readPreviewFile } from "../../../lib/generation/preview/index.ts";

const FILE: PreviewFile = {
  kind: "preview map",
  version: 1,
  madeFor: { model: "demo", autoencoder: "0".repeat(64) },
  measured: {
    adareel: "0.1.0",
    date: "2026-11-30T20:00:00.000Z",
    command: "npm run models -- calibrate demo --preview",
    videos: 2,
    positions: 2048,
    rms: 12.5,
    r2: 0.9,
  },
  map: {
    channels: 2,
    reach: 0,
    pixels: 1,
    matrix: [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    offset: [1, 2, 3],
  },
};

test("a map's file is read as it was written", () => {
  expect(readPreviewFile(JSON.parse(JSON.stringify(FILE)))).toEqual({ ok: true, value: FILE });
});

test.each([
  ["of a later version", { ...FILE, version: 2 }, /^version/],
  ["with too few rows", { ...FILE, map: { ...FILE.map, matrix: [[1, 2]] } }, /3 rows of 2 numbers/],
  ["with rows of another length", { ...FILE, map: { ...FILE.map, channels: 3 } }, /3 rows of 3 numbers/],
  [
    "of a reach that it has no numbers for",
    { ...FILE, map: { ...FILE.map, reach: 1 } },
    /3 rows of 18 numbers/,
  ],
  [
    "with too few offsets",
    { ...FILE, map: { ...FILE.map, offset: [1] } },
    /offset of a map must be 3 numbers/,
  ],
  ["with a weight beyond sense", { ...FILE, map: { ...FILE.map, offset: [1, 2, 1e30] } }, /offset/],
  ["that names no autoencoder", { ...FILE, madeFor: { model: "demo", autoencoder: "x" } }, /SHA-256/],
  ["that is a list", [], /the map's file/i],
])("a file %s is refused in one sentence", (_, contents, sentence) => {
  const read = readPreviewFile(contents);
  expect(read.ok ? null : read.fault.sentence).toMatch(sentence);
});
