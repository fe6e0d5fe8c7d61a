import { describe, expect, it } from "vitest";
import { OPEN_SORA_FLOW, rectifiedFlow, samplerOf } from "../../../lib/generation/sampling/index.ts";

const run = { steps: 4, height: 64, width: 96, latentFrames: 5 };

describe("the sampler a model folder names", () => {
  it("is built from its config, with the defaults of its class", () => {
    const { timesteps } = samplerOf({ className: "RFlowScheduler", config: {} })(run);
    expect(timesteps).toEqual(rectifiedFlow({ ...run, config: OPEN_SORA_FLOW }).timesteps);
  });

  it("is refused when its class is not known, and the known ones are named", () => {
    for (const className of ["EulerScheduler", "toString", "__proto__", ""]) {
      expect(() => samplerOf({ className, config: {} })).toThrow(
        new RegExp(`^it is a ${className}, and Adareel knows only RFlowScheduler`),
      );
    }
  });

  it("is refused when its config cannot be followed, member by member", () => {
    const config = { num_train_timesteps: -1, use_timestep_transform: "yes" };
    expect(() => samplerOf({ className: "RFlowScheduler", config })).toThrow(
      /^num_train_timesteps: .*; use_timestep_transform: /,
    );
    expect(() => samplerOf({ className: "RFlowScheduler", config: null })).toThrow(/^it: /);
  });

  it("refuses a number of steps when asked for a video", () => {
    const sampler = samplerOf({ className: "RFlowScheduler", config: {} });
    expect(() => sampler({ ...run, steps: 0 })).toThrow(
      /^steps must be a whole number from 1 to 1000, got 0$/,
    );
  });
});
