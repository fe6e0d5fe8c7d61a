/** Methods that compute less than the full number of steps, and the references they are compared with. */

/** Numbers of denoising steps at which methods are compared. */
export const STEP_COUNTS = [30, 100] as const;

export type MethodFamily = "none" | "fewer" | "static" | "fast" | "slow";

export interface Method {
  readonly name: string;
  readonly family: MethodFamily;
  /** True if AdaCache uses motion regularisation; false for every other method. */
  readonly motion: boolean;
  readonly request: {
    readonly steps: number;
    readonly cache: { readonly policy: string; readonly motion_regularisation: boolean };
  };
}

/** Step counts of plain samplers that compute about as many steps as the cached runs. */
const FEWER: Readonly<Record<number, readonly number[]>> = {
  30: [8, 10, 12, 15, 20],
  100: [12, 15, 20, 30, 50],
};

/**
 * Returns every method for a number of denoising steps. The first is the reference itself, generated a second
 * time.
 */
export function methodsFor(steps: number): Method[] {
  const fewer = (FEWER[steps] ?? []).map((count) =>
    method(`${count} steps, no cache`, "fewer", { steps: count, cache: "off" }),
  );
  const fixed = [2, 3, 4].map((interval) =>
    method(`static:${interval}`, "static", { steps, cache: `static:${interval}` }),
  );
  const adaptive = (["fast", "slow"] as const).flatMap((speed) => [
    method(`AdaCache ${speed}`, speed, { steps, cache: speed }),
    method(`AdaCache ${speed}, motion`, speed, { steps, cache: speed, motion: true }),
  ]);
  return [method("no cache, again", "none", { steps, cache: "off" }), ...fewer, ...fixed, ...adaptive];
}

function method(
  name: string,
  family: MethodFamily,
  { steps, cache, motion = false }: { steps: number; cache: string; motion?: boolean },
): Method {
  return {
    name,
    family,
    motion,
    request: { steps, cache: { policy: cache, motion_regularisation: motion } },
  };
}
