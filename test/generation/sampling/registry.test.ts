import { describe, expect, it } from "vitest";
import { OPEN_SORA_FLOW, rectifiedFlow, samplerOf } from "../../../lib/generation/sampling/index.ts";

const run = { steps: 4, height: 64, width: 96, latentFrames: 5, tokens: 30 };

describe("the sampler a model folder names", () => {
  it("a sampler is built from its config, with the defaults of its class", () => {
    const { timesteps } = samplerOf({ className: "RFlowScheduler", config: {} })(run);
    expect(timesteps).toEqual(rectifiedFlow({ ...run, config: OPEN_SORA_FLOW }).timesteps);
  });

  it("an unknown sampler class is refused with the list of known ones", () => {
    for (const className of ["EulerScheduler", "toString", "__proto__", ""]) {
      expect(() => samplerOf({ className, config: {} })).toThrow(
        new RegExp(`^it is a ${className || '""'}, and Adareel knows only RFlowScheduler`),
      );
    }
  });

  it("a sampler config that cannot be followed is refused by the member's name", () => {
    const config = { num_train_timesteps: -1, use_timestep_transform: "yes" };
    expect(() => samplerOf({ className: "RFlowScheduler", config })).toThrow(
      /^num_train_timesteps is .*, not -1; use_timestep_transform is true or false, not a text$/,
    );
    expect(() => samplerOf({ className: "RFlowScheduler", config: null })).toThrow(/^it is /);
  });

  it("a sampler refuses an impossible number of steps when a video is requested", () => {
    const sampler = samplerOf({ className: "RFlowScheduler", config: {} });
    expect(() => sampler({ ...run, steps: 0 })).toThrow(
      /^steps must be a whole number from 1 to 1000, got 0$/,
    );
  });
});
