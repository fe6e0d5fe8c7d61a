import {
  assertComputes,
  Graph,
  linear,
  neg,
  openSession,
  type Provider,
  type Tensor,
} from "../onnx/index.ts";

/**
 * Runs a minimal model on the given provider, and checks its operators where that is needed. With a second argument,
 * checks that the provider multiplies faster than the CPU. It is a separate process, so that the GPU is freed
 * afterwards.
 */
async function main(provider: Provider, mustOutrunCpu: boolean): Promise<void> {
  const graph = new Graph({ provider });
  graph.output("y", neg(graph.input("x", "float32", [1])));
  const session = await openSession(graph.build(), { provider, threads: 1 });
  await session.run({ x: { dtype: "float32", shape: [1], data: Float32Array.of(1) } });
  if (mustOutrunCpu && (await productMs(provider)) > (await productMs("cpu")))
    throw new Error("a matrix product takes longer than on the CPU");
  await assertComputes(provider);
  await session.release();
}

/** Returns the milliseconds of a product of two matrices of this size, at best. */
async function productMs(provider: Provider): Promise<number> {
  const size = 1024;
  const graph = new Graph({ provider });
  const [x, w] = (["x", "w"] as const).map((name) => graph.input(name, "float32", [size, size]));
  graph.output("y", linear(x!, w!));
  const session = await openSession(graph.build(), { provider });
  const given: Tensor = {
    dtype: "float32",
    shape: [size, size],
    data: new Float32Array(size * size).fill(1),
  };
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
