import { checkProvider, type ProviderCheck } from "../../lib/generation/accelerator/index.ts";
import type { Provider } from "../../lib/generation/onnx/index.ts";

/** Health of the accelerator that models run on. */
export interface AcceleratorHealth {
  /** True from a check that fails until one that succeeds. */
  readonly isBroken: boolean;
  /**
   * Runs a small model on the accelerator, in a process of its own. A check whose signal aborts tells nothing. It needs
   * some memory of the accelerator, so no other model may be open.
   *
   * @throws ProviderError if the accelerator does not work
   */
  check(signal?: AbortSignal): Promise<void>;
}

/** Makes the health of an accelerator that worked at the start of this process. */
export function acceleratorHealth(
  provider: Provider,
  check: ProviderCheck = checkProvider,
): AcceleratorHealth {
  let isBroken = false;
  return {
    get isBroken() {
      return isBroken;
    },
    async check(signal) {
      try {
        await check(provider, { signal });
        isBroken = false;
      } catch (error) {
        if (!signal?.aborted) isBroken = true;
        throw error;
      }
    },
  };
}
