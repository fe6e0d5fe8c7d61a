import { expect, test } from "vitest";
import { blocksOf, markFault, PAGES } from "./blocks.ts";

const blocks = PAGES.flatMap((page) => blocksOf(page));

test("every block of the documentation is run, or says why it is not", () => {
  expect(blocks.flatMap((block) => markFault(block) ?? [])).toEqual([]);
});

test("every block of JSON is JSON", () => {
  const json = blocks.filter(({ language }) => language === "json");
  for (const { page, line, text } of json) expect(() => JSON.parse(text), `${page}:${line}`).not.toThrow();
});

test("the blocks of a page are found with their lines, languages and marks", () => {
  const source =
    "# A page\n\n```sh run\nls\n```\n\n- a list\n\n  ```json answer\n  {}\n  ```\n\n```\ndrawing\n```\n";
  expect(blocksOf("page.md", source)).toEqual([
    { page: "page.md", line: 3, language: "sh", marks: ["run"], text: "ls\n" },
    { page: "page.md", line: 9, language: "json", marks: ["answer"], text: "  {}\n" },
    { page: "page.md", line: 13, language: "", marks: [], text: "drawing\n" },
  ]);
});

test("a block that does not end is named", () => {
  expect(() => blocksOf("page.md", "```sh run\nls\n")).toThrow("page.md:1: this block does not end");
});

test.each([
  ["```", /no language and no mark/],
  ["```sh", /say after the language what the tests do/],
  ["```sh later", /say after the language what the tests do/],
  ["```rust run", /and no rust/],
  ["```sh run twice", /"twice" has no meaning after "run"/],
  ["```text shown refused", /"refused" has no meaning after "shown"/],
])("a block that begins with %s is a fault", (fence, fault) => {
  const [block] = blocksOf("page.md", `${fence}\nls\n\`\`\`\n`);
  expect(markFault(block!)).toMatch(fault);
});

test.each(["sh run", "sh run refused", "js server", "json answer", "text shown", "sh aws"])(
  "the mark %s is understood",
  (info) => {
    expect(markFault(blocksOf("page.md", `\`\`\`${info}\n1\n\`\`\`\n`)[0]!)).toBeNull();
  },
);
