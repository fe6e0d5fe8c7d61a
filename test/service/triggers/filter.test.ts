import { expect, test } from "vitest";
import { passesFilter } from "../../../lib/service/triggers/filter.ts";

const opened = { pointer: "/action", equals: "opened" };

test("every payload passes a filter without conditions", () => {
  expect(passesFilter([], null)).toBe(true);
});

test("all conditions of a filter must hold", () => {
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
])("a value of %j does not equal %j", (equals, value) => {
  expect(passesFilter([{ pointer: "/a", equals }], { a: value })).toBe(false);
  expect(passesFilter([{ pointer: "/a", equals }], { a: equals })).toBe(true);
});

test("a missing value does not equal null", () => {
  expect(passesFilter([{ pointer: "/a", equals: null }], {})).toBe(false);
});
