import { expect, it } from "vitest";
import { receiptSchema } from "../../../lib/service/jobs/index.ts";
import { receipt } from "./sample-job.ts";

it("a receipt is stored with the words that the model does not know", () => {
  expect(receiptSchema.parse(receipt)).toEqual(receipt);
});

it("a receipt of an earlier version, without precision and unknown words, can still be read", () => {
  const { precision: _, unknown_words: __, ...earlier } = receipt;
  expect(receiptSchema.parse(earlier)).toEqual(earlier);
});
