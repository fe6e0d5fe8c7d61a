/**
 * Compares an example of an answer with an answer. Returns where the example has a member that the answer lacks, or a
 * value of another type; the answer may have more.
 */
export function answerFaults(example: unknown, answer: unknown, path = "the answer"): string[] {
  if (kindOf(example) !== kindOf(answer))
    return [`${path} is ${kindOf(answer)}, and ${kindOf(example)} in the example`];
  if (Array.isArray(example)) {
    const [first] = answer as unknown[];
    return example.flatMap((value, i) =>
      answerFaults(value, (answer as unknown[])[i] ?? first, `${path}[${i}]`),
    );
  }
  if (kindOf(example) !== "an object") return [];
  return Object.entries(example as object).flatMap(([name, value]) =>
    answerFaults(value, (answer as Record<string, unknown>)[name], `${path}.${name}`),
  );
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
