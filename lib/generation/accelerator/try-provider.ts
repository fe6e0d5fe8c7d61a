import {
  assertComputes,
  conv2d,
  Graph,
  linear,
  matmul,
  openSession,
  type Provider,
  reshape,
  type Tensor,
} from "../onnx/index.ts";

/**
 * Runs a small model on the given provider, and checks its operators where that is needed. With a second argument,
 * checks that the provider multiplies faster than the CPU. It is a separate process, so that the GPU is freed
 * afterwards.
 */
async function main(provider: Provider, mustOutrunCpu: boolean): Promise<void> {
  await assertLibraries(provider);
  if (mustOutrunCpu && (await productMs(provider)) > (await productMs("cpu")))
    throw new Error("a matrix product takes longer than on the CPU");
  await assertComputes(provider);
}

/**
 * Checks that a convolution and a product are what they should be. The CUDA provider opens cuDNN only when the first
 * convolution runs, and cuBLAS needs its own memory: a model without them would run where no video can be made.
 *
 * @throws Error if a library is missing, is of another version, or computes something else
 */
async function assertLibraries(provider: Provider): Promise<void> {
  const graph = new Graph({ provider });
  const image = graph.input("image", "float32", [1, 1, SIDE, SIDE]);
  const sums = conv2d(image, graph.input("kernel", "float32", [1, 1, 3, 3]), undefined, { pads: 1 });
  graph.output("y", matmul(reshape(sums, [SIDE, SIDE]), graph.input("ones", "float32", [SIDE, SIDE])));
  const session = await openSession(graph.build(), { provider, threads: 1 });
  const { y } = await session.run({
    image: ones([1, 1, SIDE, SIDE]),
    kernel: ones([1, 1, 3, 3]),
    ones: ones([SIDE, SIDE]),
  });
  await session.release();
  // A point at the edge has fewer neighbours: 2 or 3 in each direction, and 3 * SIDE - 2 in all points of a line.
  const line = 3 * SIDE - 2;
  const isRight = (value: number, index: number) =>
    value === line * (index < SIDE || index >= SIDE * (SIDE - 1) ? 2 : 3);
  if (!Array.from(y!.data, Number).every(isRight)) throw new Error("a convolution or a product is wrong");
}

/** Points along each side of the picture that is convolved. */
const SIDE = 8;

function ones(shape: readonly number[]): Tensor {
  return {
    dtype: "float32",
    shape,
    data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(1),
  };
}

/** Returns the milliseconds of a product of two matrices of this size, at best. */
async function productMs(provider: Provider): Promise<number> {
  const size = 1024;
  const graph = new Graph({ provider });
  const [x, w] = (["x", "w"] as const).map((name) => graph.input(name, "float32", [size, size]));
  graph.output("y", linear(x!, w!));
  const session = await openSession(graph.build(), { provider });
  const given = ones([size, size]);
  const times: number[] = [];
  // The first run compiles shaders.
  for (let run = 0; run < 4; run++) {
    const started = performance.now();
    await session.run({ x: given, w: given });
    times.push(performance.now() - started);
  }
  await session.release();
  return Math.min(...times.slice(1));
}

main(process.argv[2] as Provider, process.argv[3] !== undefined).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
