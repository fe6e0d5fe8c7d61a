import type { Config, PublishedModel } from "../family.ts";
import { sizesOf } from "../video-member.ts";
import { LARGE, shiftOf, UMT5_PARAMETERS, VAE_PARAMETERS, videoOf } from "./published.ts";

const MEDIUM = ["960x544", "544x960"];

/** Lengths 4 k + 1; the first is that of the authors' examples. */
const framesFrom = (usual: number) => [
  usual,
  ...Array.from({ length: 30 }, (_, k) => 4 * (k + 1) + 1).filter((count) => count !== usual),
  1,
];

const parameters = { transformer: 14_288_491_584, text_encoder: UMT5_PARAMETERS, vae: VAE_PARAMETERS };

/**
 * SkyReels-V2 of a prompt: the examples and comments of diffusers 0.42.1, `pipeline_skyreels_v2.py`. There is none of
 * 1.3B; that one goes on from a picture, or has a timestep for each frame.
 */
export const skyReelsModels: readonly PublishedModel[] = [
  {
    title: "SkyReels-V2 14B 720P",
    needs: { parameters, memoryGiB: { cpu: 101.8, gpu: 67.6, gpuOpen: 82.1 } },
    matchesIndex: (index) => isSkyReels(index) && isNamed720P(index),
    video: skyReelsVideo([...LARGE, ...MEDIUM], 121),
    hub: { name: "skyreels-v2-14b-720p", gigabytes: 80, id: "Skywork/SkyReels-V2-T2V-14B-720P-Diffusers" },
  },
  {
    title: "SkyReels-V2 14B 540P",
    needs: { parameters, memoryGiB: { cpu: 75.4, gpu: 45.6, gpuOpen: 59.3 } },
    matchesIndex: isSkyReels,
    video: skyReelsVideo([...MEDIUM, ...LARGE], 97),
    hub: { name: "skyreels-v2-14b-540p", gigabytes: 80, id: "Skywork/SkyReels-V2-T2V-14B-540P-Diffusers" },
  },
];

function skyReelsVideo(sizes: readonly string[], frames: number): PublishedModel["video"] {
  return videoOf({
    sizes: sizesOf(...sizes),
    frames: framesFrom(frames),
    fps: [24],
    guidance_scale: 6,
    flow_shift: shiftOf(8, sizes),
    negative_prompt: "",
  });
}

function isSkyReels({ _class_name }: Config): boolean {
  return _class_name === "SkyReelsV2Pipeline";
}

/** Folders of both models differ in this name alone. */
function isNamed720P({ _name_or_path }: Config): boolean {
  return typeof _name_or_path === "string" && /720p/i.test(_name_or_path);
}
