import { expect, it } from "vitest";
import { FOLDERS } from "../../infra/names.ts";
import { observedAccesses } from "./observed-accesses.ts";

it("the small functions and the GPU function do with the bucket what they have to, and nothing else", {
  timeout: 60_000,
}, async () => {
  const accesses = await observedAccesses();
  const of = (name: string) =>
    accesses.filter(({ role }) => role === name).map(({ operation, folder }) => `${operation} ${folder}`);
  expect(of("dispatch")).toEqual(["delete unfinished/", "get jobs/", "put jobs/", "put undelivered/"]);
  expect(of("settle")).toEqual(["get jobs/", "put jobs/"]);
  expect(of("sweep")).toEqual([
    "delete unfinished/",
    "get jobs/",
    "get unfinished/",
    "list undelivered/",
    "list unfinished/",
    "put jobs/",
    "put undelivered/",
  ]);
  expect(of("webhook")).toEqual([
    "delete undelivered/",
    "get jobs/",
    "get undelivered/",
    "get webhook-endpoints/",
    "list webhook-endpoints/",
    "put jobs/",
    "put webhook-endpoints/",
  ]);
  expect(of("gpu")).toEqual([
    "delete unfinished/",
    "get jobs/",
    "put artifacts/",
    "put jobs/",
    "put undelivered/",
  ]);
  const folders = new Set(accesses.map(({ folder }) => folder));
  expect([...folders].filter((folder) => !Object.values<string>(FOLDERS).includes(folder))).toEqual([]);
});
