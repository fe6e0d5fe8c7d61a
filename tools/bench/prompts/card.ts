import { readFile } from "node:fs/promises";
import { writeFileAtomically } from "../../../lib/generation/video/index.ts";

const START = "<!-- prompts:start -->";
const END = "<!-- prompts:end -->";

/** Puts a section between its markers. A card without markers gets them at its end, under a heading. */
export function withPromptSection(card: string, section: string): string {
  const marked = `${START}\n${section.trim()}\n${END}`;
  const start = card.indexOf(START);
  const end = card.indexOf(END, start);
  if (start < 0 || end < 0) return `${card.trimEnd()}\n\n## Following prompts\n\n${marked}\n`;
  return card.slice(0, start) + marked + card.slice(end + END.length);
}

/** Writes the section into a model card, atomically. Resolves to false if there is no such file. */
export async function writePromptSection(cardFile: string, section: string): Promise<boolean> {
  let card: string;
  try {
    card = await readFile(cardFile, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  await writeFileAtomically(cardFile, new TextEncoder().encode(withPromptSection(card, section)));
  return true;
}
