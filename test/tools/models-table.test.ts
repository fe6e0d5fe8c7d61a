import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { publishedModels } from "../../lib/generation/models/index.ts";
import { withModelsTables } from "../../tools/models-table.ts";

const document = readFileSync("docs/models.md", "utf8");

test("the tables of docs/models.md are those that the families make", async () => {
  expect(await withModelsTables(document)).toBe(document);
});

test("the first table of docs/models.md has a row for every published model", () => {
  for (const { title, hub } of publishedModels)
    expect(document).toContain(`| ${hub ? `\`${hub.name}\`` : "–"} | ${title} |`);
});

test("the second table of docs/models.md has a row for every model with a name", () => {
  const [, needs = ""] = document.split(/<!-- \/?needs -->/);
  const names = publishedModels.flatMap(({ hub }) => hub?.name ?? []);
  const rows = [...needs.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);
  expect(rows).toEqual(["demo", ...names]);
});

test("a document without the place of a table is refused", async () => {
  await expect(withModelsTables("# Models\n")).rejects.toThrow(/must hold <!-- models -->/);
});
