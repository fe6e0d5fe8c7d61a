import { expect, test } from "vitest";
import { passesFilter } from "../../../lib/service/triggers/filter.ts";

const opened = { pointer: "/action", equals: "opened" };

test("without conditions everything passes", () => {
  expect(passesFilter([], null)).toBe(true);
});

test("all conditions must hold", () => {
  const filter = [opened, { pointer: "/labels/0/name", equals: "video" }];
  expect(passesFilter(filter, { action: "opened", labels: [{ name: "video" }] })).toBe(true);
  expect(passesFilter(filter, { action: "closed", labels: [{ name: "video" }] })).toBe(false);
  expect(passesFilter(filter, { action: "opened", labels: [] })).toBe(false);
});

test.each([
  [1, "1"],
  [true, "true"],
  [null, undefined],
  [0, false],
  ["", null],
])("%j is not %j", (equals, value) => {
  expect(passesFilter([{ pointer: "/a", equals }], { a: value })).toBe(false);
  expect(passesFilter([{ pointer: "/a", equals }], { a: equals })).toBe(true);
});

test("what is not there is not null either", () => {
  expect(passesFilter([{ pointer: "/a", equals: null }], {})).toBe(false);
});
