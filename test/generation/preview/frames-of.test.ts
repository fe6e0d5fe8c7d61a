import { expect, test } from "vitest";
import { framesOf } from "../../../lib/generation/preview/frames-of.ts";

test.each([
  [
    "without compression in time",
    4,
    4,
    [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ],
  ],
  [
    "that is causal, of rate 4",
    3,
    9,
    [
      [0, 1],
      [1, 5],
      [5, 9],
    ],
  ],
  [
    "that is causal in three parts",
    6,
    15,
    [
      [0, 1],
      [1, 5],
      [5, 6],
      [6, 10],
      [10, 11],
      [11, 15],
    ],
  ],
  ["of one frame", 1, 1, [[0, 1]]],
  [
    "of a length that divides into no such parts",
    3,
    7,
    [
      [0, 1],
      [1, 4],
      [4, 7],
    ],
  ],
  [
    "of a length that is none of these",
    3,
    8,
    [
      [0, 3],
      [3, 5],
      [5, 8],
    ],
  ],
])("a latent %s stands for frames in order, all of them", (_, latentFrames, frames, expected) => {
  expect(Array.from({ length: latentFrames }, (_, frame) => framesOf(frame, latentFrames, frames))).toEqual(
    expected,
  );
});
