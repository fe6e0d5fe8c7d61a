import { text } from "node:stream/consumers";
import type { Given, WebhookToVerify } from "../given.ts";

/** Runs a program: prints what it makes of what it is given, as JSON. */
export async function printed(program: (given: Given) => Promise<object>): Promise<void> {
  const given = JSON.parse(await text(process.stdin)) as Given;
  process.stdout.write(JSON.stringify(await program(given)));
}

/** Returns the class, status, code and parameter of the error that a call ends with. */
export async function refusal(call: PromiseLike<unknown>) {
  try {
    await call;
  } catch (cause) {
    const { status, code, param } = cause as { status?: number; code?: string; param?: string };
    return [(cause as Error).constructor.name, status, code, param];
  }
  return null;
}

/** Returns for each webhook the type of its event, or why it is refused. */
export async function verdicts(
  webhooks: Given["webhooks"],
  verify: (webhook: WebhookToVerify) => unknown,
): Promise<Record<string, string>> {
  const verdict = async (webhook: WebhookToVerify) => {
    try {
      return ((await verify(webhook)) as { type: string }).type;
    } catch (cause) {
      return `refused: ${(cause as Error).message}`;
    }
  };
  const all = Object.entries(webhooks).map(
    async ([name, webhook]) => [name, await verdict(webhook)] as const,
  );
  return Object.fromEntries(await Promise.all(all));
}
