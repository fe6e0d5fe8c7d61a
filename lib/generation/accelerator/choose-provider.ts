import { type Precision, type Provider, precisionFault, usesMachineMemory } from "../onnx/index.ts";
import { assertProvider, ProviderError, type TryOptions, tryProvider } from "./accelerator.ts";

/** Provider that a user asks for; with `auto` the first that works here. */
export type AskedProvider = Provider | "auto";

/** Words that a user may ask for a provider with. */
export const ASKED_PROVIDERS = ["cpu", "cuda", "webgpu", "auto"] as const satisfies readonly AskedProvider[];

export interface ChosenProvider {
  readonly provider: Provider;
  /** Sentence that says which provider was chosen and why; null if the user named it. */
  readonly reason: string | null;
}

/** Providers in the order in which `auto` tries them. */
const FASTEST_FIRST = ["cuda", "webgpu"] as const;

/**
 * Checks a provider; rejects with a ProviderError if it does not work here, or must be faster than the CPU and is not.
 */
export type ProviderCheck = (
  provider: Provider,
  options?: Pick<TryOptions, "mustOutrunCpu" | "signal">,
) => Promise<void>;

/**
 * Checks the provider that a user asks for, or chooses one: CUDA or WebGPU if they work and are faster than
 * the CPU, which a driver in software is not.
 *
 * @param options.precision precision that the provider must have, if the user names one
 * @throws ProviderError if the user names a provider that does not work here
 */
export async function chooseProvider(
  asked: AskedProvider,
  {
    precision,
    check = checkProvider,
  }: { readonly precision?: Precision; readonly check?: ProviderCheck } = {},
): Promise<ChosenProvider> {
  if (asked !== "auto") {
    await check(asked);
    return { provider: asked, reason: null };
  }
  const reasons: string[] = [];
  for (const provider of FASTEST_FIRST) {
    if (precision && precisionFault(precision, provider) !== undefined) {
      reasons.push(`${provider} has no products in ${precision}`);
      continue;
    }
    try {
      await check(provider, { mustOutrunCpu: true });
      return { provider, reason: sentence(provider, reasons) };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      reasons.push(error.reason);
    }
  }
  return { provider: "cpu", reason: sentence("cpu", reasons) };
}

function sentence(provider: Provider, reasons: readonly string[]): string {
  if (reasons.length === 0) return `The provider is ${provider}, which works here.`;
  return `The provider is ${provider}: ${reasons.join(", and ")}.`;
}

/** Checks a provider with a small model in another process. The CPU is not tried. */
export async function checkProvider(...[provider, options]: Parameters<ProviderCheck>): Promise<void> {
  if (usesMachineMemory(provider)) return;
  assertProvider(provider);
  await tryProvider(provider, options);
}
