import { randomBytes } from "node:crypto";
import type { SendMessageCommand } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";
import { hintedJobs, sqsSendHints } from "../../lib/service/queue/index.ts";
import { eventually } from "../eventually.ts";
import { MessageQueue } from "./message-queue.ts";

/** Opens the queue of receivers as it is deployed: one message a run, three runs at once. */
function openSends() {
  const queue = new MessageQueue({ name: "sends.fifo", clock: Date, batchSize: 1, concurrencyMax: 3 });
  const client = {
    send: async ({ input }: SendMessageCommand) =>
      queue.send(input.MessageBody!, 0, {
        group: input.MessageGroupId!,
        deduplicationId: input.MessageDeduplicationId!,
      }),
  };
  const hint = sqsSendHints({
    client: client as never,
    url: "https://sqs.test/sends.fifo",
    random: randomBytes,
  });
  return { queue, hint };
}

it("a webhook of another tenant is sent while a thousand of one tenant wait for silent receivers", async () => {
  const { queue, hint } = openSends();
  const sent: string[] = [];
  queue.consumer = async ({ Records }) => {
    const { tenant, receiver } = hintedJobs(Records[0]!.body)[0]!;
    sent.push(`${tenant} ${receiver}`);
    if (tenant === "silent") await new Promise(() => undefined);
    return { batchItemFailures: [] };
  };
  for (let index = 0; index < 1000; index += 1)
    await hint({ tenant: "silent", id: VIDEO }, `hooks${index % 7}.example`);
  await eventually(() => expect(sent).toHaveLength(2));
  await hint({ tenant: "other", id: VIDEO }, "hooks.example");
  await eventually(() => expect(sent.at(-1)).toBe("other hooks.example"));
  expect(sent).toHaveLength(3);
});

it("the messages of a group are received in order, one after the other, and a repeated hint is a message of its own", async () => {
  const { queue, hint } = openSends();
  const events: string[] = [];
  queue.consumer = async ({ Records }) => {
    const { messageId } = Records[0]!;
    events.push(`begin ${messageId}`);
    await new Promise(setImmediate);
    events.push(`end ${messageId}`);
    return { batchItemFailures: [] };
  };
  for (let count = 0; count < 3; count += 1) await hint({ tenant: "acme", id: VIDEO }, "hooks.example");
  await eventually(() => expect(queue.size).toBe(0));
  expect(events.map((event) => event.split(" ")[0])).toEqual([
    "begin",
    "end",
    "begin",
    "end",
    "begin",
    "end",
  ]);
  expect(new Set(events).size).toBe(6);
});

const VIDEO = "video_01kax1hkg00000000000000000";
