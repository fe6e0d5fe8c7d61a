import fc from "fast-check";
import { expect, it } from "vitest";
import { parseNotification } from "../../functions/settle/notification.ts";
import { MessageError } from "../../lib/service/queue/index.ts";
import { notification } from "../cloud/notification.ts";

it("a success and an error are told apart", () => {
  expect(parseNotification(notification({ inputLocation: "s3://videos/jobs/a" }))).toEqual({
    inputLocation: "s3://videos/jobs/a",
    failureReason: null,
  });
  const failed = { inputLocation: "s3://videos/jobs/a", failureReason: "The model is out of memory." };
  expect(parseNotification(notification(failed))).toEqual(failed);
});

it("an SNS envelope, which raw delivery omits, is refused", () => {
  const Message = notification({ inputLocation: "s3://videos/jobs/a" });
  expect(() => parseNotification(JSON.stringify({ Type: "Notification", Message }))).toThrow(MessageError);
});

it("any other notification is refused", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      expect(() => parseNotification(body)).toThrow(MessageError);
    }),
  );
});
