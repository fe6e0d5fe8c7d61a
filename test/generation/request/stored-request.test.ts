import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { policyOf, resolvedRequestSchema } from "../../../lib/generation/request/index.ts";
import { jobRecordSchema } from "../../../lib/service/jobs/record.ts";

/** Record of a job as a build before the table of parameters stored it. */
const stored: unknown = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../service/jobs/stored-record.json"), "utf8"),
);

test("a record of an earlier build is read as it was written, and has neither pictures nor a quote", () => {
  const record = jobRecordSchema.parse(stored);
  expect(record).toEqual({ ...(stored as object), inputs: {}, quote: null });
  expect(resolvedRequestSchema.parse(record.params)).toMatchObject(record.params);
});

test("a request of an earlier build still has its cache policy", () => {
  const request = resolvedRequestSchema.parse(jobRecordSchema.parse(stored).params);
  expect(policyOf(request)).toMatchObject({
    name: "codebook",
    options: { warmup: 2, motion: { power: 4 } },
  });
});
