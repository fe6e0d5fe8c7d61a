import { expect, test } from "vitest";
import { answerFaults } from "./answers.ts";

const answer = { id: "video_2", error: null, steps: { computed: 10, indices: [1, 2] }, none: [] };

test("an example that shows some members of an answer has no fault", () => {
  expect(answerFaults({ id: "video_1", error: null, steps: { indices: [1, 2, 3] } }, answer)).toEqual([]);
});

test.each([
  [
    "a member that the answer lacks",
    { url: "x" },
    "the answer.url is undefined, and a string in the example",
  ],
  ["a value of another type", { id: 1 }, "the answer.id is a string, and a number in the example"],
  [
    "a value where there is none",
    { error: { code: "x" } },
    "the answer.error is null, and an object in the example",
  ],
  [
    "an item of a list that is empty",
    { none: [1] },
    "the answer.none[0] is undefined, and a number in the example",
  ],
])("an example with %s has one fault", (_, example, fault) => {
  expect(answerFaults(example, answer)).toEqual([fault]);
});
