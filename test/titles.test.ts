import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const words = (text: string) => new Set(text.trim().split(/\s+/));

/** Words that show by themselves that a sentence has a verb. */
const auxiliaries = words(`
  is are was were has have had does do did can cannot could may might must shall should will would
`);

/** Verbs that need a subject before them. The list leaves out verbs that are also plural nouns (names, counts). */
const verbsWithoutSubject = words(`
  accepts adds agrees allows asks becomes begins belongs carries comes compares computes contains decodes
  deletes demands denies depends describes differs divides does drops encodes ends escapes expects fails fills
  finds follows forbids forgets gets gives goes grows happens hears holds ignores joins keeps knows lasts
  leads leaves lets loses lowers makes may means measures multiplies needs picks prefers prints puts reads
  refuses rejects releases removes repeats returns rounds says sends serves shows skips sorts speaks starts
  stays survives takes tells throws treats understands wants waits
`);

const adverbs = words("again alike also always even ever just likewise never not still then too");

/** Pronouns and relative words that stand for something the title does not name. */
const pronouns = words(`
  it its they their them he his she her this these those that such which whichever who whoever whom whose what whatever
  how why whether
`);

/** Words that continue another sentence. */
const continuations = words("and as but into nor of or so than to");

/** Words that may open a clause: "after a crash, another worker takes the job". */
const openers = words(`
  after at before between by during for from if in on once over since through under until when where while with without
`);

/** Words that end in s and are no verbs. */
const noVerbs = words("across always as besides his its less plus perhaps this thus towards us yes");

/** Verbs of plural subjects that may have no s: "the cut and the whole model differ". */
const pluralVerbs = words(`
  accept agree come differ end equal fail follow give go hold keep know lie make mean meet need parse pass
  reach see send share show stay survive take tell use work write
`);

/** Returns why a title cannot be read alone, or null. */
function faultOf(title: string): string | null {
  const text = title.replaceAll(/\$\{[^}]*\}|%(\.\d+)?[a-zA-Z]|\$[\w.]+/g, "X");
  return beginningFault(text) ?? (hasVerb(text) ? null : "has no verb");
}

function beginningFault(text: string): string | null {
  const [first = "", second = ""] = text.toLowerCase().match(/[\w'-]+/g) ?? [];
  if (openers.has(first)) {
    const comma = text.indexOf(", ");
    return comma < 0 ? `begins with "${first}"` : beginningFault(text.slice(comma + 2));
  }
  const isBare = [auxiliaries, verbsWithoutSubject, adverbs, pronouns, continuations].some((list) =>
    list.has(first),
  );
  const takesObject =
    /^[a-z]{2,}[^s]s$/.test(first) &&
    /^(an?|the|its|their|every|each|no|nothing|what|whatever)$/.test(second);
  const isPronoun = first === "one" && /^(that|which|who)$/.test(second);
  return isBare || takesObject || isPronoun ? `begins with "${first}"` : null;
}

function hasVerb(text: string): boolean {
  const found = text.toLowerCase().match(/[a-z'-]+/g) ?? [];
  return found.some(
    (word) => auxiliaries.has(word) || pluralVerbs.has(word) || (/[^s']s$/.test(word) && !noVerbs.has(word)),
  );
}

/** Returns the titles of tests in a file, those of `describe` left out, as they are written. */
function titlesOf(path: string, source: string): string[] {
  const names = path.endsWith(".contract.ts") ? "it|test|check" : "it|test";
  const call = new RegExp(
    `(?<![.\\w"\`])(?:${names})(?:\\.(?:each|for|runIf|skipIf)\\b[^]*?\\)|\\.\\w+)?\\(\\s*` +
      '("(?:[^"\\\\\\n]|\\\\.)*"|`(?:[^`\\\\]|\\\\.)*`)',
    "g",
  );
  return [...source.matchAll(call)].map((match) => match[1]!.slice(1, -1));
}

const files = readdirSync("test", { recursive: true, encoding: "utf8" })
  .map((path) => join("test", path))
  .filter((path) => /\.(test|contract)\.ts$/.test(path) && path !== "test/titles.test.ts")
  .sort();
const titles = files.flatMap((path) =>
  titlesOf(path, readFileSync(path, "utf8")).map((title) => ({ path, title })),
);

test("every title of a test is a sentence that can be read alone in a list of failures", () => {
  const faults = titles.flatMap(({ path, title }) => {
    const fault = faultOf(title);
    return fault ? [`${path}: ${title} (${fault})`] : [];
  });
  expect(faults).toEqual([]);
});

test("the titles of all ways to write a test are found", () => {
  const source = `
    test("a title is found", () => {});
    it.skipIf(slow)("a title after a condition is found", () => {});
    it.each([
      ["a case", f("x")],
    ])(
      "a title below its cases is found",
      () => {},
    );
    for (const name of names) test(\`the title of \${name} is found\`, () => {});
    describe("a group", () => {});
    /x/.test("no title");
  `;
  expect(titlesOf("a.test.ts", source)).toEqual([
    "a title is found",
    "a title after a condition is found",
    "a title below its cases is found",
    `the title of \${name} is found`,
  ]);
});

test.each([
  "a second claim returns conflict",
  "exactly one of 50 concurrent callers takes over an expired claim",
  "after a crash, another worker takes the job",
  "names are sorted",
  "%s is refused",
  "both halves agree",
  "the cut and the whole model differ",
])("the title %j passes as a sentence", (title) => {
  expect(faultOf(title)).toBeNull();
});

test.each([
  "refuses a long prompt",
  "emits the last token",
  "is refused",
  "of a cancelled job is kept",
  "without a token is refused",
  "never sleeps",
  "one that was asked for counts for both",
  "whoever sent comes again",
  "a cancelled job",
  "%s",
])("the title %j fails as no sentence", (title) => {
  expect(faultOf(title)).not.toBeNull();
});
