import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Fenced block of a page, as in "```sh run" with a line or more and "```". */
export interface Block {
  readonly page: string;
  /** Number of the line that opens the block. */
  readonly line: number;
  readonly language: string;
  /** Words after the language. GitHub reads the language alone, and highlights the block. */
  readonly marks: readonly string[];
  readonly text: string;
}

/** Pages whose blocks are run or say why they are not. */
export const PAGES: readonly string[] = [
  "README.md",
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name))
    .sort(),
  "clients/ai-sdk/README.md",
  "clients/typescript/README.md",
  "codebooks/README.md",
  "models/demo/README.md",
];

/**
 * Marks of blocks that need what these tests do not have, and are not run.
 *
 * - `aws`: an account
 * - `docker`: Docker or Kubernetes, and for most of their uses a GPU
 * - `weights`: published weights, tens of gigabytes
 * - `s3`: a server of somebody else
 */
const NEEDS = ["aws", "docker", "weights", "s3"] as const;

/**
 * First mark of a block: `run`, with `refused` if its request is answered with an error; `server` for a program that
 * goes on until it is stopped; `answer` for members of the JSON that the block before prints; `shown` for what nobody
 * runs, such as the output of a command or a drawing; or one of {@link NEEDS}.
 */
const MARKS: readonly string[] = ["run", "server", "answer", "shown", ...NEEDS];

/** Languages that can be run, and that a block may show instead. */
export const RUN_LANGUAGES = ["sh", "js", "ts", "python"] as const;

/** Returns the blocks of a page, in order. @throws Error if a block does not end */
export function blocksOf(page: string, source = readFileSync(page, "utf8")): Block[] {
  const blocks: Block[] = [];
  let open: { line: number; info: string; lines: string[] } | null = null;
  for (const [index, text] of source.split("\n").entries()) {
    const fence = /^\s*(`{3,}|~{3,})(.*)$/.exec(text);
    if (open && fence) {
      const [language = "", ...marks] = open.info.split(/\s+/);
      blocks.push({ page, line: open.line, language, marks, text: `${open.lines.join("\n")}\n` });
      open = null;
    } else if (open) open.lines.push(text);
    else if (fence) open = { line: index + 1, info: fence[2]!.trim(), lines: [] };
  }
  if (open) throw new Error(`${page}:${open.line}: this block does not end`);
  return blocks;
}

/** Returns one sentence on what is wrong with the marks of a block, or null. */
export function markFault({ page, line, language, marks: [mark, ...more] }: Block): string | null {
  const at = `${page}:${line}`;
  if (language === "")
    return `${at}: this block has no language and no mark, such as "sh run" or "text shown".`;
  if (mark === undefined || !MARKS.includes(mark))
    return `${at}: say after the language what the tests do with this block: ${MARKS.join(", ")}.`;
  const isRun = mark === "run" || mark === "server";
  if (isRun && !(RUN_LANGUAGES as readonly string[]).includes(language))
    return `${at}: the tests run ${RUN_LANGUAGES.join(", ")}, and no ${language}.`;
  const allowed = mark === "run" ? ["refused"] : [];
  const stray = more.find((word) => !allowed.includes(word));
  return stray === undefined ? null : `${at}: "${stray}" has no meaning after "${mark}".`;
}
