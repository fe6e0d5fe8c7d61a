import { vi } from "vitest";

type Run = (...values: readonly unknown[]) => unknown;
type Rows = readonly (readonly unknown[] | string | object)[];

interface Claim {
  readonly title: string;
  readonly run: () => unknown;
}

let rounds = 0;

/**
 * Evaluates a test file again, and returns the titles of its tests that fail. The rows of a table have one title.
 *
 * @param file path inside test/ without its ending, such as infra/wiring
 */
export async function failingClaims(file: string): Promise<string[]> {
  const failing = new Set<string>();
  for (const { title, run } of await claimsOf(file)) {
    try {
      await run();
    } catch {
      failing.add(title);
    }
  }
  return [...failing];
}

/** Collects the tests of a file instead of running them. */
async function claimsOf(file: string): Promise<Claim[]> {
  const claims: Claim[] = [];
  const add = (title: string, run: Run) => claims.push({ title, run });
  const it = Object.assign(add, {
    skipIf: (isSkipped: boolean) => (title: string, run: Run) => {
      if (!isSkipped) add(title, run);
    },
    each: (rows: Rows) => (title: string, run: Run) => {
      for (const row of rows) add(title, () => run(...[row].flat()));
    },
  });
  const describe = Object.assign((_title: string, run: Run) => run(), {
    each: (rows: Rows) => (_title: string, run: Run) => {
      for (const row of rows) run(...[row].flat());
    },
  });
  vi.doMock("vitest", async (original) => ({ ...(await original<object>()), it, test: it, describe }));
  rounds += 1;
  const path = `./${file}.test.ts?round=${rounds}`;
  await import(path);
  return claims;
}
