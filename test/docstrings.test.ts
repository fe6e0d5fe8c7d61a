import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

/** Folders and files whose docstrings are held to plain English. Every other one is still to be rewritten. */
const done = [
  "lib/generation/onnx",
  "lib/generation/checkpoint",
  "lib/generation/sampling",
  "lib/generation/video",
  "lib/service/webhooks",
  "lib/service/triggers",
  "lib/distribution/model-store",
  "lib/distribution/hub",
  "functions/api/edge",
  "functions/api/middleware",
  "functions/api/openapi/document.ts",
  "functions/api/app.ts",
  "functions/api/claim.ts",
  "functions/api/client.ts",
  "functions/api/env.ts",
  "functions/api/limits.ts",
  "functions/api/problem.ts",
  "functions/api/queue-positions.ts",
  "functions/gpu",
  "functions/webhook",
  "infra/alarms.ts",
  "infra/data-stack.ts",
  "infra/edge-bundle.ts",
  "infra/edge-function.ts",
  "infra/edge-stack.ts",
  "infra/firewall.ts",
  "infra/folder-access.ts",
  "infra/image-build.ts",
  "infra/ops-topic.ts",
  "infra/video-bucket.ts",
  "tools/bench",
  "test",
];

/** Files and folders inside the ones above that are not done yet; so are all of `*.test.ts`. */
const pending = [
  "lib/distribution/hub/recipes.ts",
  "functions/gpu/make-video.ts",
  "functions/gpu/receipt.ts",
  "tools/bench/model",
  "tools/bench/step",
];

/** Words that begin neither with a verb nor with the thing described. */
const noFirstWord = [
  ..."What Whatever Who Whoever Whose Whom Which Whichever How However Where Wherever Whether When Whenever Why".split(
    " ",
  ),
  ..."Of One Ones Those These That This It Its As In Into On To For From By With Without Within At Under".split(
    " ",
  ),
  ..."Before After Between Since Because If Unless Until While Though Although But And Or So Nor Not".split(
    " ",
  ),
  ..."They He She We You Somebody Anybody Nobody Everybody Something Anything Everything".split(" "),
];

/** Words that begin no later sentence of a docstring either. */
const noWord = ["What", "Of", "One", "Whoever", "Those"];

/** A description and where it stands; `@param` and other tags are cut off. */
interface Docstring {
  place: string;
  sentences: string[];
}

/** Every JSDoc comment of a source file. `/**` inside a string is told apart by the space after it. */
function docstringsOf(path: string, source: string): Docstring[] {
  return [...source.matchAll(/(?<=^|[\s(,])\/\*\*\s(.*?)\*\//gs)].map((match) => {
    const line = source.slice(0, match.index).split("\n").length;
    return { place: `${path}:${line}`, sentences: sentencesOf(match[1]!) };
  });
}

/** Splits a description at full stops and list items; abbreviations such as "e.g." are followed by no capital. */
function sentencesOf(comment: string): string[] {
  const text = comment.replaceAll(/^[ \t]*\*[ \t]?/gm, "");
  const description = text.split(/(?:^|\s)@[a-z]+\b/, 1)[0]!;
  return description
    .split(/(?<=[.!?][)"`]?)\s+(?=[A-Z])|\n\s*(?:[-*]|\d+\.)\s+|\n\s*\n/)
    .map((sentence) => sentence.replaceAll(/\s+/g, " ").trim())
    .filter((sentence) => sentence !== "");
}

function firstWord(sentence: string): string {
  return /^[A-Za-z-]+/.exec(sentence)?.[0] ?? "";
}

/** Sentences of a docstring that begin with a word of the lists above. */
function wrongSentences({ sentences }: Docstring): string[] {
  return sentences.filter((sentence, index) =>
    (index === 0 ? noFirstWord : noWord).includes(firstWord(sentence)),
  );
}

function isUnder(path: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}

const docstrings = ["lib", "functions", "infra", "tools", "test"]
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
  )
  .filter((path) => /\.(ts|tsx|js)$/.test(path) && !path.includes("generated"))
  .filter((path) => isUnder(path, done) && !isUnder(path, pending) && !path.endsWith(".test.ts"))
  .sort()
  .flatMap((path) => docstringsOf(path, readFileSync(path, "utf8")));

describe("docstrings", () => {
  test("every docstring begins with a verb or with the thing it describes", () => {
    const wrong = docstrings.flatMap((docstring) =>
      wrongSentences(docstring).map((sentence) => `${docstring.place} ${sentence}`),
    );
    expect(wrong).toEqual([]);
  });

  test("a docstring is split into its sentences, without tags", () => {
    const source = [
      "/**",
      " * Reads a file of 1.5 GB. What is left",
      " * stays. `x` is kept:",
      " * - One item",
      " * @throws {Error} What is thrown.",
      " */",
    ].join("\n");
    const [docstring] = docstringsOf("a.ts", `\n${source}`);
    expect(docstring!.place).toBe("a.ts:2");
    expect(docstring!.sentences).toEqual([
      "Reads a file of 1.5 GB.",
      "What is left stays. `x` is kept:",
      "One item",
    ]);
    expect(wrongSentences(docstring!)).toEqual(["What is left stays. `x` is kept:", "One item"]);
  });

  test("a first sentence that begins with a preposition is found, and a later one is let through", () => {
    const [docstring] = docstringsOf("a.ts", "/** In bytes. To be read. */ const size = 1;");
    expect(wrongSentences(docstring!)).toEqual(["In bytes."]);
  });
});
