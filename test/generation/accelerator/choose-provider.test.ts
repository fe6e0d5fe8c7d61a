import { expect, onTestFinished, test, vi } from "vitest";
import { ProviderError } from "../../../lib/generation/accelerator/accelerator.ts";
import { chooseProvider, type ProviderCheck } from "../../../lib/generation/accelerator/choose-provider.ts";
import type { Provider } from "../../../lib/generation/onnx/index.ts";
import { adapterEnvironment, hasAdapter } from "../software-adapter.ts";

/** Returns a check that only some providers pass, and what it was asked for. */
function only(...working: readonly Provider[]): { check: ProviderCheck; asked: Provider[] } {
  const asked: Provider[] = [];
  return {
    asked,
    async check(provider) {
      asked.push(provider);
      if (!working.includes(provider)) throw new ProviderError(provider, "finds no GPU", "buy one");
    },
  };
}

test("auto takes cuda, then webgpu, then cpu, and says in a sentence which it is and why", async () => {
  expect(await chooseProvider("auto", only("cuda", "webgpu"))).toEqual({
    provider: "cuda",
    reason: "The provider is cuda, which works here.",
  });
  expect(await chooseProvider("auto", only("webgpu"))).toEqual({
    provider: "webgpu",
    reason: "The provider is webgpu: cuda finds no GPU.",
  });
  expect(await chooseProvider("auto", only())).toEqual({
    provider: "cpu",
    reason: "The provider is cpu: cuda finds no GPU, and webgpu finds no GPU.",
  });
});

test("auto takes only a provider that has the precision that is asked for", async () => {
  const { asked, check } = only("cuda", "webgpu");
  expect(await chooseProvider("auto", { check, precision: "int8" })).toEqual({
    provider: "cpu",
    reason: "The provider is cpu: cuda has no products in int8, and webgpu has no products in int8.",
  });
  expect(asked).toEqual([]);
});

test("a provider that is named is checked alone, and refused where it does not work", async () => {
  const { asked, ...options } = only("webgpu");
  expect(await chooseProvider("webgpu", options)).toEqual({ provider: "webgpu", reason: null });
  expect(asked).toEqual(["webgpu"]);
  await expect(chooseProvider("cuda", options)).rejects.toThrow("The provider cuda finds no GPU: buy one.");
});

test("an error that says nothing about the provider is not taken for a reason", async () => {
  const check = () => Promise.reject(new Error("out of processes"));
  await expect(chooseProvider("auto", { check })).rejects.toThrow("out of processes");
});

const isLinux = process.platform === "linux";
test.skipIf(!isLinux)("WebGPU without a GPU is refused in one sentence that says what to do", async () => {
  for (const name of Object.keys(adapterEnvironment)) vi.stubEnv(name, "/nowhere.json");
  onTestFinished(() => void vi.unstubAllEnvs());
  await expect(chooseProvider("webgpu")).rejects.toThrow(
    "The provider webgpu does not work here: WebGPU finds no GPU that it can use " +
      "(install the GPU's Vulkan driver, or take the provider cpu).",
  );
});

test.skipIf(!hasAdapter)(
  "auto takes no adapter in software, which is slower than the CPU",
  async () => {
    for (const [name, value] of Object.entries(adapterEnvironment)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await chooseProvider("auto")).toEqual({
      provider: "cpu",
      reason: expect.stringMatching(
        /^The provider is cpu: cuda finds no [^:]+ here, and webgpu .* takes longer than on the CPU\.$/,
      ),
    });
  },
  400_000,
);
