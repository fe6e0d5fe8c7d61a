import type { SendMessageCommand } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";
import { newVideoId } from "../../../lib/service/jobs/index.ts";
import { hintedJobs, sqsHints } from "../../../lib/service/queue/index.ts";

const ref = { tenant: "acme", id: newVideoId({ now: () => 0 }, (count) => new Uint8Array(count)) };

it("a hint arrives readable in its queue, delayed at most as long as SQS allows", async () => {
  const sent: SendMessageCommand["input"][] = [];
  const client = { send: async ({ input }: SendMessageCommand) => void sent.push(input) };
  const hints = sqsHints({ client: client as never, workUrl: "work", webhooksUrl: "webhooks" });
  await hints.work({ ...ref, keyId: "not sent" } as never);
  await hints.webhooks(ref, 4.2);
  await hints.webhooks(ref, 86_400);
  await hints.webhooks(ref, -1);
  expect(sent.map(({ QueueUrl, DelaySeconds }) => [QueueUrl, DelaySeconds])).toEqual([
    ["work", 0],
    ["webhooks", 5],
    ["webhooks", 900],
    ["webhooks", 0],
  ]);
  expect(sent.map(({ MessageBody }) => hintedJobs(MessageBody!))).toEqual(Array(4).fill([ref]));
  expect(sent[0]!.MessageBody).not.toContain("not sent");
});
