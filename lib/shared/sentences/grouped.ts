/**
 * Groups sentences that differ only in numbers, lists of numbers and the names in `names`, since they have one cause.
 * Each group is its first sentence, with the number of the others.
 */
export function grouped(sentences: readonly string[], names: readonly string[] = []): string[] {
  const groups = new Map<string, { readonly first: string; count: number }>();
  for (const [index, sentence] of sentences.entries()) {
    const name = names[index];
    const cause = (name ? sentence.replaceAll(wholeWord(name), "") : sentence)
      .replaceAll(/\[[\d, ]*\]/g, "[]")
      .replaceAll(/\d+/g, "0");
    const group = groups.get(cause);
    if (group) group.count += 1;
    else groups.set(cause, { first: sentence, count: 1 });
  }
  return [...groups.values()].map(({ first, count }) => {
    if (count === 1) return first;
    const end = first.endsWith(".") ? "." : "";
    return `${first.slice(0, first.length - end.length)}, and ${count - 1} more likewise${end}`;
  });
}

/** Matches a name where it is no part of a longer word. */
function wholeWord(name: string): RegExp {
  return new RegExp(`(?<!\\w)${name.replaceAll(/\W/g, "\\$&")}(?!\\w)`, "g");
}
