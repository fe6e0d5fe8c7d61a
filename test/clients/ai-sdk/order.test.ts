import type { Experimental_VideoModelV4CallOptions as CallOptions } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { copiesOf, orderOf } from "../../../clients/ai-sdk/src/order.ts";
import { withdrawal } from "../../../clients/ai-sdk/src/withdrawal.ts";

const model = { id: "wan", sizes: ["832x480", "480x832", "1280x720"], num_frames: [81, 49, 33], fps: [16] };

const call = (options: Partial<CallOptions> = {}): CallOptions => ({
  prompt: "a red circle",
  n: 1,
  aspectRatio: undefined,
  resolution: undefined,
  duration: undefined,
  fps: undefined,
  seed: undefined,
  image: undefined,
  frameImages: undefined,
  inputReferences: undefined,
  generateAudio: undefined,
  providerOptions: {},
  ...options,
});

describe("the request of a call", () => {
  it.each([
    [{}, {}, 0],
    [{ resolution: "1280x720" }, { size: "1280x720" }, 0],
    [{ resolution: "1920x1080" }, { size: "1280x720" }, 1],
    [{ resolution: "640x360" }, { size: "832x480" }, 1],
    [{ resolution: "720x1280" }, { size: "480x832" }, 1],
    [{ aspectRatio: "9:16" }, { size: "480x832" }, 0],
    [{ aspectRatio: "16:9" }, { size: "832x480" }, 0],
    [{ aspectRatio: "1:1" }, { size: "832x480" }, 1],
    [{ aspectRatio: "26:15" }, { size: "832x480" }, 0],
    [{ aspectRatio: "adaptive" }, { size: "832x480" }, 1],
    [{ duration: 5 }, { num_frames: 81 }, 0],
    [{ duration: 3 }, { num_frames: 49 }, 0],
    [{ duration: 10 }, { num_frames: 81 }, 1],
    [{ duration: 2, fps: 24 }, { fps: 16, num_frames: 33 }, 1],
  ] as [Partial<CallOptions>, object, number][])("the call %j asks for %j", (options, fields, warnings) => {
    const order = orderOf(call(options), model);
    expect(order.fields).toEqual({ model: "wan", prompt: "a red circle", ...fields });
    expect(order.warnings.length).toBe(warnings);
  });

  it("options of this provider go before the call's own, in the words of the service", () => {
    const adareel = { size: "640x640", num_frames: 17, guidance_scale: 3, loras: ["ghibli"], made_later: 1 };
    const { fields, warnings } = orderOf(
      call({ resolution: "832x480", duration: 5, providerOptions: { adareel } }),
      model,
    );
    expect([fields, warnings]).toEqual([{ model: "wan", prompt: "a red circle", ...adareel }, []]);
  });

  it("pictures go as URLs, with their bytes where they have no URL of their own", () => {
    const first = { type: "file", mediaType: "image/png", data: new Uint8Array([1, 2, 3]) } as const;
    const last = { type: "url", url: "https://example.com/last.png" } as const;
    const frames = [
      { image: first, frameType: "first_frame" },
      { image: last, frameType: "last_frame" },
    ] as const;
    const expected = {
      input_reference: "data:image/png;base64,AQID",
      last_image: "https://example.com/last.png",
    };
    expect(orderOf(call({ frameImages: [...frames] }), model).fields).toMatchObject(expected);
    const image = { type: "file", mediaType: "image/png", data: "AQID" } as const;
    const { fields } = orderOf(call({ image }), model);
    expect(fields).toMatchObject({ input_reference: expected.input_reference });
    expect(fields).not.toHaveProperty("last_image");
  });

  it("the seeds of several videos count up, unless chance draws them", () => {
    const seeds = (seed: number | undefined) =>
      copiesOf(orderOf(call({ seed }), model), 3).map((fields) => fields.seed);
    expect([seeds(5), seeds(undefined), seeds(-1)]).toEqual([
      [5, 6, 7],
      [undefined, undefined, undefined],
      [-1, -1, -1],
    ]);
  });
});

describe("the withdrawal of a video", () => {
  function aborted({
    reason,
    isWaited = false,
    hasEnded = false,
  }: {
    reason?: Error;
    isWaited?: boolean;
    hasEnded?: boolean;
  }) {
    const abort = new AbortController();
    let withdrawals = 0;
    const watched = withdrawal(abort.signal, () => withdrawals++);
    if (isWaited) watched.waited();
    if (hasEnded) watched.end();
    abort.abort(reason);
    return withdrawals;
  }
  const timeout = new DOMException("late", "TimeoutError");

  it("an abort withdraws the video once, and one that is over never", () => {
    expect([aborted({}), aborted({ hasEnded: true })]).toEqual([1, 0]);
  });

  it("a signal that timed out withdraws the video only while somebody waits for it", () => {
    expect([aborted({ reason: timeout }), aborted({ reason: timeout, isWaited: true })]).toEqual([0, 1]);
  });
});
