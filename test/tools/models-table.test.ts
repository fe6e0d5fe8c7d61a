import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { publishedModels } from "../../lib/generation/models/index.ts";
import { withModelsTable } from "../../tools/models-table.ts";

const document = readFileSync("docs/models.md", "utf8");

test("the table of docs/models.md is the one that the families make", () => {
  expect(withModelsTable(document)).toBe(document);
});

test("the table of docs/models.md has a row for every published model", () => {
  for (const { title, hub } of publishedModels)
    expect(document).toContain(`| ${hub ? `\`${hub.name}\`` : "–"} | ${title} |`);
});

test("a document without the place of the table is refused", () => {
  expect(() => withModelsTable("# Models\n")).toThrow(/must hold <!-- models -->/);
});
