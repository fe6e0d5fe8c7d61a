import { expect, it } from "vitest";
import {
  KEPT_SECRETS_MAX,
  KeptSecretsError,
  keptAfter,
  SECRET_KEPT_MS_MAX,
  stillKept,
} from "../../../lib/service/keys/index.ts";

const NOW = Date.UTC(2026, 10, 29);
const until = (wait: number) => ({ until: NOW + wait });

it("a replaced secret is kept until its time, and not if a clock that was set back makes that further away than any", () => {
  const kept = [until(-1), until(0), until(1), until(SECRET_KEPT_MS_MAX)];
  expect(stillKept(kept, NOW)).toEqual([until(1), until(SECRET_KEPT_MS_MAX)]);
  expect(stillKept([until(SECRET_KEPT_MS_MAX)], NOW - 60_000)).toEqual([]);
  expect(stillKept([until(SECRET_KEPT_MS_MAX)], NOW - 5_000)).toHaveLength(1);
});

it("a rotation keeps every secret that was promised it, and forgets those that are over", () => {
  expect(keptAfter([until(5), until(0)], until(9), NOW)).toEqual([until(9), until(5)]);
});

it("a rotation that keeps nothing ends all promises", () => {
  expect(keptAfter([until(5)], null, NOW)).toEqual([]);
});

it("a rotation is refused while too many secrets are kept, and says until when", () => {
  const kept = Array.from({ length: KEPT_SECRETS_MAX }, (_, index) => until(60_000 * (index + 1)));
  const rotate = () => keptAfter(kept, until(9e6), NOW);
  expect(rotate).toThrow(KeptSecretsError);
  expect(rotate).toThrow("the first until 2026-11-29T00:01:00.000Z: rotate after that");
  expect(keptAfter(kept, until(9e6), NOW + 60_000)).toHaveLength(KEPT_SECRETS_MAX);
});
