import { expect, it } from "vitest";
import { UNATTENDED_MS, unattendedWatch } from "../../functions/local/unattended.ts";

/** Tells a watch of sweeps at these times, and returns the times at which it rang. */
function rings(sweeps: readonly (readonly [at: number, queued: number, running: number])[]): number[] {
  let now = 0;
  const isUnattended = unattendedWatch({ elapsed: () => now });
  return sweeps.flatMap(([at, queued, running]) => {
    now = at;
    return isUnattended({ queued, running }) ? [at] : [];
  });
}

it("videos that wait without a worker are told of after ten minutes, and again after ten more", () => {
  const half = UNATTENDED_MS / 2;
  const sweeps = [0, 1, 2, 3, 4].map((index) => [index * half, 1, 0] as const);
  expect(rings(sweeps)).toEqual([2 * half, 4 * half]);
});

it("the time begins anew when a video is being made, or none waits", () => {
  const half = UNATTENDED_MS / 2;
  expect(
    rings([
      [0, 3, 0],
      [half, 2, 1],
      [2 * half, 2, 0],
      [3 * half, 0, 0],
      [4 * half, 1, 0],
    ]),
  ).toEqual([]);
});
