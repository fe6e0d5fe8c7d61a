import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ErrorTable, readTableFile, type TableFile } from "../../../lib/generation/caching/index.ts";
import { expectSentence } from "../../api/sentence.ts";
import { sampleTable, sampleTableFile } from "./table-file-content.ts";

/** Returns the sentence with which a file is refused. */
function refusal(file: unknown): string {
  const read = readTableFile(file);
  return read.ok ? "nothing is wrong" : read.fault.sentence;
}

/** Returns a table whose member at a path is replaced. */
function changed(
  path: readonly (string | number)[],
  value: unknown,
  file: unknown = sampleTableFile(),
): unknown {
  const copy = structuredClone(file) as Record<string | number, unknown>;
  let holder = copy;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>;
  holder[path.at(-1)!] = value;
  return copy;
}

/** Returns the paths of all values in a value. */
function pathsIn(value: unknown): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [[]];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return [[], ...entries.flatMap(([key, member]) => pathsIn(member).map((path) => [key, ...path]))];
}

it("a table file is read as it was written", () => {
  const file = sampleTableFile();
  expect(readTableFile(JSON.parse(JSON.stringify(file)))).toEqual({ ok: true, value: file });
});

describe("a table file that is not one", () => {
  it.each<[string, unknown, string | RegExp]>([
    ["is a list", [], /^the table file is an object with .*, not an empty list\.$/],
    ["is of another kind", changed(["kind"], "codebook"), /^kind must be cache table/],
    ["is of a later version", changed(["version"], 2), "version is 1, not 2."],
    ["has a field more", { ...sampleTableFile(), note: "x" }, /^There is no field note/],
    [
      "names no identity",
      changed(["madeFor", "identity"], "abc"),
      /^madeFor\.identity must be a SHA-256 in hex/,
    ],
    [
      "names an unknown precision",
      changed(["madeFor", "precision"], "int4"),
      /^madeFor\.precision must be float32/,
    ],
    ["has no date", changed(["measured", "date"], "yesterday"), /^measured\.date must be a date such as/],
    [
      "has no prompts",
      changed(["measured", "prompts"], []),
      /^measured\.prompts is a list .*, not an empty one\.$/,
    ],
  ])("a table file that %s is refused in a sentence that names the place", (_title, file, sentence) => {
    expect(refusal(file)).toMatch(sentence);
  });
});

describe("a table", () => {
  const at = (...path: (string | number)[]) => ["table", ...path];
  it.each<[string, unknown, string | RegExp]>([
    [
      "has levels that do not descend",
      changed(at("levels", 2), 0.75),
      "table.levels entry 3 must be below the 0.75 before it, not 0.75.",
    ],
    [
      "has a level above pure noise",
      changed(at("levels", 0), 1.5),
      /^table\.levels entry 1 is a number from 0 to 1/,
    ],
    [
      "has a level that is not a number",
      changed(at("levels", 0), Number.NaN),
      /^table\.levels entry 1 must be a number from 0 to 1\.$/,
    ],
    [
      "has an infinite moment",
      changed(at("clean", 1, 2), Number.POSITIVE_INFINITY),
      /^table\.clean entry 2 entry 3 must be a number\.$/,
    ],
    [
      "has too few rows of moments",
      changed(at("residual"), sampleTable().residual.slice(1)),
      "table.residual must have one row for each of the 4 levels, and has 3.",
    ],
    [
      "has a short row of moments",
      changed(at("clean", 3), [1, 2]),
      "table.clean entry 4 must have one moment for each of the 4 levels, and has 2.",
    ],
    [
      "has moments that are not symmetric",
      changed(at("clean", 2, 0), 0.1),
      /^table\.clean entry 3 entry 1 must equal the 0\.77\d+ on the other side of the diagonal, and is 0\.1\.$/,
    ],
    [
      "has a mean square of 0",
      changed(at("residual", 1, 1), 0),
      "table.residual entry 2 entry 2 is a mean square and must be above 0, not 0.",
    ],
    [
      "has a moment above the mean squares",
      changed(at("clean", 1, 0), 7, changed(at("clean", 0, 1), 7)),
      "table.clean entry 2 entry 1 is larger than the mean squares of its row and column allow: 7.",
    ],
    [
      "has an amplification of another length",
      changed(at("amplification"), [1, 1, 1]),
      "table.amplification must have one entry for each of the 4 levels, and has 3.",
    ],
    [
      "has an amplification of 0",
      changed(at("amplification", 2), 0),
      "table.amplification entry 3 is a number above 0, not 0.",
    ],
    [
      "has ladders out of order",
      changed(at("ladders", 1, "steps"), 8),
      "table.ladders entry 2: steps must be above the 8 of the entry before it, not 8.",
    ],
    [
      "has rungs that do not ascend",
      changed(at("ladders", 0, "rungs", 1, "budget"), 20),
      "table.ladders entry 1: rungs entry 2: budget must be above the 25 of the entry before it, not 20.",
    ],
    [
      "has qualities out of order",
      changed(at("ladders", 0, "rungs", 0, "psnr"), [30, 29]),
      "table.ladders entry 1: rungs entry 1: psnr entry 2 must not be below the 30 before it.",
    ],
    [
      "computed more steps than there are",
      changed(at("ladders", 0, "rungs", 0, "computed"), 9),
      "table.ladders entry 1: rungs entry 1: computed cannot be above the 8 steps, and is 9.",
    ],
    [
      "has more levels than a table may",
      changed(at("levels"), Array(5000).fill(0.5)),
      /^table\.levels is a list of 2 to 128 entries, not one of 5000\.$/,
    ],
  ])("a table that %s is refused in a sentence that names the place", (_title, file, sentence) => {
    expect(refusal(file)).toMatch(sentence);
  });

  it("a table that was rounded to six digits is still one", () => {
    const levels = Array.from({ length: 60 }, (_, index) => 1 - index / 60);
    const rounded = JSON.parse(
      JSON.stringify(sampleTableFile(sampleTable(levels)), (_key, value) =>
        typeof value === "number" ? Number(value.toPrecision(6)) : value,
      ),
    );
    expect(refusal(rounded)).toBe("nothing is wrong");
  });
});

it("any value in place of any part of a table file is read or refused in one sentence, and never throws", () => {
  const paths = pathsIn(sampleTableFile()).filter((path) => path.length > 0);
  const strange = fc.oneof(
    fc.constantFrom<unknown>(Number.NaN, -0, 1e308, -1, Number.MAX_SAFE_INTEGER + 2, undefined, null, "", {}),
    fc.jsonValue({ maxDepth: 6 }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...paths), strange, (path, value) => {
      const read = readTableFile(changed(path, value));
      if (read.ok) expect(checkOrders(read.value)).toBe(true);
      else expectSentence(read.fault.sentence);
    }),
    { numRuns: 500 },
  );
});

/** Tells if a table has the orders on which a policy relies. */
function checkOrders({ table }: { table: ErrorTable } & TableFile): boolean {
  const ascends = (values: readonly number[]) =>
    values.every((value, i) => i === 0 || value >= values[i - 1]!);
  return (
    ascends(table.levels.toReversed()) &&
    table.amplification.length === table.levels.length &&
    table.clean.every((row) => row.length === table.levels.length) &&
    table.ladders.every(({ rungs }) => ascends(rungs.map(({ budget }) => budget))) &&
    table.ladders.every(({ rungs }) => rungs.every(({ psnr }) => ascends(psnr)))
  );
}
