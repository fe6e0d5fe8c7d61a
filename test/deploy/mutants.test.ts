import { afterEach, describe, expect, it } from "vitest";
import { failingClaims } from "../failing-claims.ts";
import { mutate } from "./manifests.ts";
import { MUTANTS } from "./mutants.ts";

describe("a faulty file of deploy/", () => {
  afterEach(() => mutate(null));

  it.each(MUTANTS)("a test of the manifests fails where $name", async (mutant) => {
    mutate(mutant);
    expect(await failingClaims("deploy/manifests")).toEqual([mutant.claim]);
  });
});

it("a test of the manifests fails only by a fault: without one they all hold", async () => {
  expect(await failingClaims("deploy/manifests")).toEqual([]);
});
