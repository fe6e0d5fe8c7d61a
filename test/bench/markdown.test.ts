import { describe, expect, test } from "vitest";
import { table, withSection } from "../../tools/bench/markdown.ts";

describe("a section of the document", () => {
  test("a section is replaced without losing the other's", () => {
    const both = withSection(withSection("", "step", "steps: first"), "policies", "policies: first");
    const again = withSection(both, "step", "steps: second");
    expect(again).toContain("policies: first");
    expect(again).toContain("steps: second");
    expect(again).not.toContain("steps: first");
  });

  test("a section has its own place, whichever benchmark ran first", () => {
    const stepFirst = withSection(withSection("", "step", "steps"), "policies", "policies");
    const policiesFirst = withSection(withSection("", "policies", "policies"), "step", "steps");
    expect(stepFirst).toBe(policiesFirst);
  });

  test("a section written twice leaves the same document", () => {
    const once = withSection("", "policies", "\n\nsome text\n\n| a |\n");
    expect(withSection(once, "policies", "\n\nsome text\n\n| a |\n")).toBe(once);
  });

  test("a section that begins and does not end is refused, so that nothing after it is lost", () => {
    const torn = withSection("", "step", "steps").replace("<!-- /bench:step -->", "");
    expect(() => withSection(torn, "policies", "policies")).toThrow(/section step begins and does not end/);
  });
});

test("a table has one cell for each header in every row and keeps bars out of its cells", () => {
  const lines = table(
    ["Method", "Value"],
    [
      ["a|b", "1"],
      ["c", "2"],
    ],
  ).split("\n");
  expect(lines).toEqual(["| Method | Value |", "| --- | ---: |", "| a\\|b | 1 |", "| c | 2 |"]);
});
