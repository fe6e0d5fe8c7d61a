import { afterEach, describe, expect, it } from "vitest";
import { failingClaims } from "../failing-claims.ts";
import { mutate } from "./deployment.ts";
import { MUTANTS } from "./mutants.ts";

describe.each(Object.entries(MUTANTS))("a faulty template of %s", (_backend, mutants) => {
  afterEach(() => mutate(null));

  it.each(mutants)("a test of the templates fails where $name", async (mutant) => {
    const [file, title] = mutant.claim;
    mutate(mutant);
    expect(await failingClaims(`infra/${file}`)).toEqual([title]);
  });
});

it("a test of the templates fails only by a fault: without one the same files hold", async () => {
  const files = new Set(
    Object.values(MUTANTS).flatMap((mutants) => mutants.map(({ claim: [file] }) => file)),
  );
  for (const file of files) expect(await failingClaims(`infra/${file}`), file).toEqual([]);
});
