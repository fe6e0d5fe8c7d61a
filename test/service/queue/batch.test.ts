import type { SQSEvent, SQSRecord } from "aws-lambda";
import { expect, it } from "vitest";
import { handleBatch } from "../../../lib/service/queue/index.ts";

it("only the messages that failed come again", async () => {
  const Records = ["good", "bad", "fine"].map((body) => ({ messageId: `id-${body}`, body }) as SQSRecord);
  const seen: string[] = [];
  const told: unknown[] = [];
  const response = await handleBatch(
    { Records } satisfies SQSEvent,
    async (body) => {
      if (body === "bad") throw new Error("poison");
      seen.push(body);
    },
    (error, messageId) => told.push([(error as Error).message, messageId]),
  );
  expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: "id-bad" }] });
  expect(seen).toEqual(["good", "fine"]);
  expect(told).toEqual([["poison", "id-bad"]]);
});
