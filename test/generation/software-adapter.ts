import { existsSync } from "node:fs";
import { tmpdir } from "node:os";

/** SwiftShader, a Vulkan driver that runs on the CPU and is part of Chromium. */
export const driver = process.env.ADAREEL_VULKAN ?? "/usr/lib/chromium/vk_swiftshader_icd.json";

/** Says whether a WebGPU adapter in software is here, in a line if it is not. */
export const hasAdapter = process.platform === "linux" && existsSync(driver);
if (!hasAdapter) console.warn(`no Vulkan driver at ${driver}: the tests of WebGPU are skipped`);

/** Environment in which Vulkan has that driver alone. Set it before the first session opens. */
export const adapterEnvironment = {
  VK_ICD_FILENAMES: driver,
  VK_DRIVER_FILES: driver,
  XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir(),
};
