import { expect, it } from "vitest";
import { jobChanges } from "../../functions/local/job-changes.ts";
import { queued } from "../service/jobs/sample-job.ts";

const job = (number: number) => ({ ...queued, id: `${queued.id.slice(0, -1)}${number}` });
const ref = ({ tenant, id }: typeof queued) => ({ tenant, id });

it("a job is news when it is first seen and when its status or attempt changes", () => {
  const { see } = jobChanges();
  const attempts = [
    { status: "queued", attempt: 0 },
    { status: "running", attempt: 1 },
    { status: "running", attempt: 2 },
  ] as const;
  for (const state of attempts)
    expect([see({ ...queued, ...state }), see({ ...queued, ...state })]).toEqual([true, false]);
});

it("a job that a sweep does not see any more is gone, once", () => {
  const changes = jobChanges();
  changes.beginSweep();
  for (const number of [1, 2]) changes.see(job(number));
  expect(changes.takeGone()).toEqual([]);
  changes.beginSweep();
  changes.see(job(2));
  expect(changes.takeGone()).toEqual([ref(job(1))]);
  changes.beginSweep();
  changes.see(job(2));
  expect(changes.takeGone()).toEqual([]);
});

it("a job that ends before a sweep has seen it is gone after the next sweep that begins", () => {
  const changes = jobChanges();
  changes.beginSweep();
  changes.expect(job(1));
  expect(changes.takeGone()).toEqual([]);
  changes.beginSweep();
  expect(changes.takeGone()).toEqual([ref(job(1))]);
});

it("a job whose end is known is not gone", () => {
  const changes = jobChanges();
  changes.expect(job(1));
  changes.forget(job(1));
  changes.beginSweep();
  expect(changes.takeGone()).toEqual([]);
});
