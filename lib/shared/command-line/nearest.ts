/** Returns the one of `names` that `word` is a slip of: one wrong letter, or two in six and more. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const slips = word.length < 6 ? 1 : 2;
  const [best] = names
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .filter(({ distance }) => distance <= slips)
    .sort((a, b) => a.distance - b.distance);
  return best?.name;
}

/** Returns how many letters must be added, taken away or replaced to make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, letter] of [...a].entries()) {
    const line = [row + 1];
    for (const [column, other] of [...b].entries()) {
      const replaced = above[column]! + (letter === other ? 0 : 1);
      line.push(Math.min(replaced, above[column + 1]! + 1, line[column]! + 1));
    }
    above = line;
  }
  return above.at(-1)!;
}
