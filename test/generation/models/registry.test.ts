import { describe, expect, it } from "vitest";
import {
  diffusionTransformer,
  imageEncoder,
  latentDecoder,
  textEncoder,
  visionEncoder,
} from "../../../lib/generation/models/index.ts";
import { readGolden } from "./golden.ts";

describe("the registry of architectures", () => {
  const latent = { channels: 4, frames: 1, height: 8, width: 8 };
  const video = { latent, height: 64, width: 64, fps: 24 };

  it("the registry names the unknown class, its role and the supported classes", () => {
    const unknown = { className: "UNet3DConditionModel", config: {} };
    expect(() => diffusionTransformer(unknown, video)).toThrow(/transformer.*UNet3DConditionModel.*STDiT3/);
    expect(() => textEncoder({ className: "CLIPTextModel", config: {} })).toThrow(
      /CLIPTextModel.*T5EncoderModel/,
    );
    expect(() => latentDecoder({ className: "VQModel", config: {} })).toThrow(/VQModel.*AutoencoderKL/);
    expect(() => imageEncoder({ className: "VQModel", config: {} })).toThrow(
      /image encoder is a VQModel.*OpenSoraVAE_V1_2/,
    );
    expect(() => visionEncoder({ className: "SiglipVisionModel", config: {} })).toThrow(
      /image encoder is a SiglipVisionModel.*CLIPVisionModel/,
    );
  });

  it("the registry refuses given frames for a transformer that does not take them", async () => {
    const { config } = await readGolden("latte");
    const latte = { className: "LatteTransformer3DModel", config };
    const given = { ...video, latent: { ...latent, frames: 3 }, givenFrames: 1 };
    expect(() => diffusionTransformer(latte, given)).toThrow(
      "A LatteTransformer3DModel cannot take a first frame: it generates all frames of a video.",
    );
  });

  it("the registry does not take an inherited member of an object for a class", () => {
    expect(() => textEncoder({ className: "constructor", config: {} })).toThrow(/constructor/);
  });
});
