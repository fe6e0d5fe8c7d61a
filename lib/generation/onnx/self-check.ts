import { Graph, type Value } from "./graph.ts";
import { gelu, sigmoid, silu, tanh } from "./operators/activations.ts";
import { attention, rotaryInterleaved } from "./operators/attention.ts";
import { conv2d, conv3d, upsampleNearest2x } from "./operators/convolution.ts";
import { abs, less, mul, where } from "./operators/elementwise.ts";
import { concat, gather, pad, slice, transpose } from "./operators/layout.ts";
import { linear } from "./operators/linear.ts";
import { groupNorm, layerNorm, rmsNorm } from "./operators/normalization.ts";
import { reduceL2, reduceMean, sumAbs } from "./operators/reduction.ts";
import { providerTraits } from "./provider-traits.ts";
import { openSession, SessionError } from "./session.ts";
import { elementCount, type Shape } from "./shape.ts";
import { defaultProvider, type Provider, type Tensor } from "./types.ts";

/**
 * Check of a driver: the operators of all models, each on its own, against the CPU. Drivers of graphics cards are
 * tested on games more than on arithmetic, and a shader that computes wrongly reports nothing.
 */

/** Error of an operator, relative to the largest number of its result. */
export interface OperatorError {
  readonly operator: string;
  readonly error: number;
}

/**
 * Largest error of a driver that is trusted. Sums of float32 in another order are off by 1e-6, operands rounded to
 * float16 or TF32 by up to 5e-4; the wrong attention that was seen is off by 9e-2 and more.
 */
export const OPERATOR_ERROR_MAX = 1e-3;

/** Declares an input of random numbers and returns it. */
type Given = (shape: Shape) => Value;

/** The operators by name. Shapes fill more than one workgroup; some are odd, because shaders differ by divisibility. */
const operators: Readonly<Record<string, (x: Given) => Value>> = {
  attention: (x) => attention({ q: x([2, 96, 128]), k: x([2, 80, 128]), v: x([2, 80, 128]), heads: 4 }),
  "masked attention": (x) => {
    const mask = less(x([1, 1, 1, 77]), 0.5);
    return attention({ q: x([1, 65, 60]), k: x([1, 77, 60]), v: x([1, 77, 60]), heads: 3, mask });
  },
  "biased attention": (x) =>
    attention({ q: x([1, 96, 64]), k: x([1, 80, 64]), v: x([1, 80, 64]), heads: 2, mask: x([1, 2, 96, 80]) }),
  "linear layer": (x) => linear(x([1, 96, 512]), x([256, 512]), x([256])),
  "linear layer of odd widths": (x) => linear(x([1, 65, 77]), x([33, 77]), x([33])),
  "layer normalisation": (x) => layerNorm(x([1, 80, 288]), { eps: 1e-6, weight: x([288]), bias: x([288]) }),
  "root mean square normalisation": (x) => rmsNorm(x([1, 80, 288]), x([288]), { eps: 1e-6 }),
  "group normalisation": (x) => groupNorm(x([1, 32, 24, 20]), 8, x([32]), x([32]), 1e-6),
  "rotary embedding": (x) => rotaryInterleaved(x([2, 70, 128]), x([70, 16]), x([70, 16])),
  "two-dimensional convolution": (x) => conv2d(x([1, 16, 24, 20]), x([32, 16, 3, 3]), x([32]), { pads: 1 }),
  "convolution with stride": (x) =>
    conv2d(x([1, 5, 25, 20]), x([12, 5, 3, 3]), x([12]), { stride: 2, pads: 1 }),
  "three-dimensional convolution": (x) =>
    conv3d(x([1, 8, 5, 12, 10]), x([16, 8, 3, 3, 3]), x([16]), { pads: [0, 1, 1] }),
  upsampling: (x) => upsampleNearest2x(x([1, 4, 3, 9, 10])),
  activation: (x) => {
    const y = x([64, 65]);
    return concat([silu(y), sigmoid(y), tanh(y), gelu(y, "tanh"), gelu(y, "none")], 0);
  },
  selection: (x) => {
    const y = transpose(x([6, 70, 8]), [1, 2, 0]); // [70, 8, 6]
    const rows = y.graph.constant(Int32Array.of(7, 0, 69, 7), [4]);
    const chosen = gather(where(less(y, 0), mul(y, 2), y), rows, 0);
    return pad(slice(chosen, 1, 1, 7), [
      [1, 0],
      [0, 1],
      [0, 0],
    ]);
  },
  sum: (x) => {
    const y = x([2, 80, 288]);
    const square = reduceL2(y, { axes: [1, 2] }); // [2]
    return concat([square, reduceMean(abs(y), { axes: [1, 2] }), concatOf(sumAbs(y), square)], 0);
  },
};

/** Returns a scalar multiplied by ones in the shape of another value. */
function concatOf(scalar: Value, like: Value): Value {
  return mul(like.graph.constant(new Float32Array(elementCount(like.shape)).fill(1), like.shape), scalar);
}

/**
 * Returns the errors of a provider's operators against the CPU, the largest first.
 *
 * @throws SessionError if the provider cannot be used
 */
export async function operatorErrors(provider: Provider): Promise<OperatorError[]> {
  const [given, exact] = [await results(provider), await results("cpu")];
  return Object.keys(operators)
    .map((operator) => ({ operator, error: relativeError(given[operator]!, exact[operator]!) }))
    .sort((a, b) => b.error - a.error);
}

/**
 * Checks that the operators of a provider whose drivers differ compute what the CPU computes.
 *
 * @throws SessionError naming the operator that is most wrong, or if the provider cannot be used
 */
export async function assertComputes(
  provider: Provider = defaultProvider,
  errors: (provider: Provider) => Promise<readonly OperatorError[]> = operatorErrors,
): Promise<void> {
  if (!providerTraits[provider].isChecked) return;
  const [worst] = await errors(provider);
  if (!worst || worst.error <= OPERATOR_ERROR_MAX) return;
  const percent = `${(100 * worst.error).toPrecision(2)} %`;
  throw new SessionError(
    `the driver of this GPU computes ${worst.operator} wrongly (off by ${percent}), so take the provider cpu`,
    { fault: "wrong_numbers" },
  );
}

async function results(provider: Provider): Promise<Readonly<Record<string, Tensor>>> {
  const graph = new Graph({ provider });
  const feeds: Record<string, Tensor> = {};
  for (const [operator, compute] of Object.entries(operators)) {
    const given = (shape: Shape): Value => {
      const seed = Object.keys(feeds).length;
      const name = `${operator} ${seed}`;
      feeds[name] = { dtype: "float32", shape, data: numbers(elementCount(shape), seed) };
      return graph.input(name, "float32", shape);
    };
    graph.output(
      operator,
      graph.scope(operator, () => compute(given)),
    );
  }
  const session = await openSession(graph.build(), { provider, threads: 1 });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** Returns numbers between -1 and 1 that look random and are the same every time. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function relativeError(given: Tensor, exact: Tensor): number {
  let [difference, largest] = [0, 0];
  for (const [i, value] of (exact.data as Float32Array).entries()) {
    const distance = Math.abs(Number(given.data[i]) - value);
    difference = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : Math.max(difference, distance);
    largest = Math.max(largest, Math.abs(value));
  }
  return difference / largest;
}
