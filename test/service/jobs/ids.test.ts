import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { invertVideoId, isVideoId, newVideoId, videoIdTime } from "../../../lib/service/jobs/ids.ts";

const TIME_MAX = 2 ** 48 - 1;
const time = fc.integer({ min: 0, max: TIME_MAX });
const noise = fc.uint8Array({ minLength: 10, maxLength: 10 });
const idOf = (now: number, bytes: Uint8Array) => newVideoId({ now: () => now }, () => bytes);

describe("a video's id", () => {
  it("a video id is a ULID: its time agrees with the specification's example", () => {
    // github.com/ulid/spec: 01ARZ3NDEKTSV4RRFFQ69G5FAV was drawn at 1469922850259.
    expect(idOf(1469922850259, new Uint8Array(10))).toBe("video_01arz3ndek0000000000000000");
    expect(videoIdTime("video_01arz3ndektsv4rrffq69g5fav")).toBe(1469922850259);
  });

  it("a video's id is valid and tells when it was drawn", () => {
    fc.assert(
      fc.property(time, noise, (now, bytes) => {
        const id = idOf(now, bytes);
        expect(isVideoId(id)).toBe(true);
        expect(videoIdTime(id)).toBe(now);
      }),
    );
  });

  it("a video's id holds every bit of the noise", () => {
    fc.assert(
      fc.property(noise, noise, (a, b) => {
        expect(idOf(1, a) === idOf(1, b)).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });

  it("video ids sort by time, and inverted ids in reverse", () => {
    fc.assert(
      fc.property(time, time, noise, noise, (early, late, a, b) => {
        fc.pre(early < late);
        const [first, second] = [idOf(early, a), idOf(late, b)];
        expect(first < second).toBe(true);
        expect(invertVideoId(first) > invertVideoId(second)).toBe(true);
      }),
    );
  });

  it("a video's id inverted twice is itself", () => {
    fc.assert(
      fc.property(time, noise, (now, bytes) => {
        const id = idOf(now, bytes);
        expect(isVideoId(invertVideoId(id).replace(/_./, "_0"))).toBe(true);
        expect(invertVideoId(invertVideoId(id))).toBe(id);
      }),
    );
  });

  it("video ids do not repeat in 10,000 draws of one millisecond", () => {
    const ids = Array.from({ length: 10_000 }, () => newVideoId({ now: () => 7 }, randomBytes));
    expect(new Set(ids).size).toBe(10_000);
  });

  const VALID = "video_01arz3ndektsv4rrffq69g5fav";
  for (const text of [
    "",
    "video_",
    VALID.toUpperCase(),
    VALID.slice(0, -1),
    `${VALID}0`,
    ` ${VALID}`,
    `${VALID}\n`,
    VALID.replace("_0", "_8"),
    VALID.replace("f", "i"),
    VALID.replace("f", "l"),
    VALID.replace("f", "o"),
    VALID.replace("f", "u"),
    VALID.replace("f", "/"),
    VALID.replace("video", "job"),
    "video_../../../../../etc/passwd",
  ]) {
    it(`the text ${JSON.stringify(text)} is not a video id`, () => expect(isVideoId(text)).toBe(false));
  }
});
