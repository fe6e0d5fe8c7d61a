import { expect, test } from "vitest";
import { retryAfterSeconds } from "../../../lib/service/net/retry-after.ts";

const now = Date.UTC(2026, 10, 22, 12, 0, 0);

test.each([
  ["0", 0],
  ["120", 120],
  ["999999999", 999_999_999],
  ["Sun, 22 Nov 2026 12:01:30 GMT", 90],
  ["Sun, 22 Nov 2026 11:00:00 GMT", 0],
  ["Fri, 31 Dec 1999 23:59:59 GMT", 0],
])("the header Retry-After: %s asks for %d seconds", (header, seconds) => {
  expect(retryAfterSeconds(header, now)).toBe(seconds);
});

test("a fraction of a second is rounded up", () => {
  expect(retryAfterSeconds("Sun, 22 Nov 2026 12:00:01 GMT", now + 1)).toBe(1);
});

test.each([
  undefined,
  "",
  "soon",
  "-5",
  "1.5",
  "1e3",
  "0x10",
  "120, 240",
  "12345678901234567890",
  "2026-11-22T12:01:30Z",
  "Sun, 99 Nov 2026 12:01:30 GMT",
  "Sun, 22 Foo 2026 12:01:30 GMT",
  "Sun, 22 Nov 2026 12:01:30 CET",
])("the header Retry-After: %j asks for nothing", (header) => {
  expect(retryAfterSeconds(header, now)).toBeNull();
});
