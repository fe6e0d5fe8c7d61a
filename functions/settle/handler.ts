import { setTimeout as sleep } from "node:timers/promises";
import { messageHandler, openFunction } from "../../lib/service/lambda/index.ts";
import { parseNotification } from "./notification.ts";
import { settle } from "./settle.ts";

const { log, ...deps } = await openFunction();

/** Takes what SageMaker tells of invocations. */
export const handler = messageHandler(log, async (body) => {
  const notification = parseNotification(body);
  const { ref, outcome } = await settle({ ...deps, sleep }, notification);
  const { failureReason } = notification;
  log[failureReason === null ? "info" : "warn"]({ ...ref, outcome, failureReason }, "invocation");
});
