import { expect, test } from "vitest";
import { attachment } from "../../../lib/service/storage/index.ts";

test("a plain name is sent as it is", () => {
  expect(attachment("red circle.mp4")).toBe('attachment; filename="red circle.mp4"');
});

test("another name is sent escaped, beside a plain one for old clients", () => {
  expect(attachment("Grüße'*.mp4")).toBe(
    "attachment; filename=\"Gr__e'*.mp4\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%27%2A.mp4",
  );
});

test("no name can break out of the header", () => {
  for (const name of ['a"; x="', "a\r\nSet-Cookie: x", "a\\", "\ud800", "a\0"]) {
    const value = attachment(name);
    expect(value).toMatch(/^attachment; filename="[\x20-\x7e]*"; filename\*=UTF-8''[\w.%~!$&+^`|-]*$/);
    expect(value.split('"')).toHaveLength(3);
  }
});
