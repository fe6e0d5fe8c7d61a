/** Limit of the number of fields that a sentence lists. */
export const FIELDS_MAX = 8;

/** Joins words as in `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  return joined(words, "or");
}

/** Joins descriptions of values: as `oneOf`, with a comma before the last where one of them has an `or` itself. */
export function oneOfDescribed(descriptions: readonly string[]): string {
  const [last, ...others] = descriptions.toReversed();
  const hasOwnOr = descriptions.some((each) => each.includes(" or "));
  return hasOwnOr && others.length > 0
    ? `${others.toReversed().join(", ")}, or ${last}`
    : oneOf(descriptions);
}

/** Joins words as in `a, b and c`. */
export function listed(words: readonly string[]): string {
  return joined(words, "and");
}

function joined(words: readonly string[], last: string): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}
