/** Breaks a text between words into lines of at most `most` characters; a longer word has a line of its own. */
export function wordLines(text: string, most: number): string[] {
  const [first = "", ...words] = text.trim().split(/\s+/);
  const lines = [first];
  for (const word of words) {
    const line = lines.at(-1)!;
    if (line.length + 1 + word.length > most) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
