import { expect, test } from "vitest";
import { counted, grouped } from "../../../lib/shared/sentences/index.ts";

test("sentences of one cause are grouped and counted, whatever numbers and names they have", () => {
  const of = (name: string, sizes: string) =>
    `tensor ${name} has shape [${sizes}] and the model expects [4, 4].`;
  expect(
    grouped([of("a", "4"), of("b.c", "8, 16, 2"), "Another fault.", of("d", "")], ["a", "b.c", "", "d"]),
  ).toEqual(["tensor a has shape [4] and the model expects [4, 4], and 2 more likewise.", "Another fault."]);
  expect(grouped(["60 is no multiple of 8", "90 is no multiple of 8"])).toEqual([
    "60 is no multiple of 8, and 1 more likewise",
  ]);
  expect(grouped([])).toEqual([]);
});

test("one thing has no plural", () => {
  expect([0, 1, 2].map((count) => counted(count, "frame"))).toEqual(["0 frames", "1 frame", "2 frames"]);
});
