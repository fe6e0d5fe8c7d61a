import { availableParallelism, loadavg } from "node:os";
import type { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { defaultProvider, type Provider, type Tensor, type TensorData } from "./types.ts";

export interface SessionOptions {
  /** The folder that external weights are relative to; `Checkpoint.root`. */
  readonly weightsFolder?: string;
  readonly provider?: Provider;
  /** Threads inside one operator; by default one for each core this process may use. */
  readonly threads?: number;
  /** `Graph.weightBytes`, from which the session decides how it holds the weights; 0 by default. */
  readonly weightBytes?: number;
}

/** An opened model. `run` occupies the thread until the graph is done: onnxruntime cannot be interrupted. */
export interface Session {
  /** Names the feeds `run` needs; the graph dropped inputs that nothing reads. */
  readonly inputs: readonly string[];
  /**
   * Feeds the graph does not read are ignored, so that the graphs cut from one model can share their feeds.
   */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  /** Frees the model. Calling it again does nothing. */
  release(): Promise<void>;
}

/**
 * By default onnxruntime copies each weight into the layout its kernels like best: open takes about 1.3 s a
 * GB and the weights are held once per session, for runs up to 15 % faster. From this size on the copy costs
 * more than it gives, and weights are read from the mapped file, which sessions and processes share.
 */
export const MAPPED_BYTES_MIN = 512 * 2 ** 20;

/** Whether a session holds weights and activations in the machine's own memory. */
export function usesMachineMemory(provider: Provider = defaultProvider): boolean {
  return provider === "cpu";
}

type Runtime = typeof import("onnxruntime-node");

/** A model that cannot be opened or run, in one sentence. */
export class SessionError extends Error {
  override readonly name = "SessionError";
}

/** Opens the bytes of `Graph.build()`. The files of the weights must not change while the session lives. */
export async function openSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const provider = options.provider ?? defaultProvider;
  const runtime = await loadRuntime();
  checkProvider(runtime, provider);
  const threads = options.threads ?? availableParallelism();
  let session: InferenceSession;
  try {
    session = await runtime.InferenceSession.create(model, {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Only fatal errors: others are thrown, and would appear on stderr a second time.
      logSeverityLevel: 4,
      extra: {
        session: sessionConfig(threads, options),
        // Fuses an addition into the normalisation after it unless the sum is read elsewhere too, and
        // rounds otherwise: the cuts of one model would differ in their last bits. Steps take as long without.
        optimization: { disable_specified_optimizers: "SkipLayerNormFusion" },
      },
    });
  } catch (cause) {
    throw new SessionError(`onnxruntime cannot open the model: ${messageOf(cause)}`, { cause });
  }
  let isReleased = false;
  return {
    inputs: session.inputNames,
    async run(feeds) {
      if (isReleased) throw new SessionError("the session was released and cannot run");
      const inputs = runtimeFeeds(runtime, session.inputNames, feeds);
      const results = await session.run(inputs).catch((cause: unknown) => {
        throw new SessionError(`onnxruntime cannot run the model: ${messageOf(cause)}`, { cause });
      });
      return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, hostTensor(value)]));
    },
    async release() {
      if (isReleased) return;
      isReleased = true;
      await session.release();
    },
  };
}

/**
 * Loaded when the first session opens: a process that only asks another to generate does without it, and a
 * platform that has no build of it is told so.
 */
async function loadRuntime(): Promise<Runtime> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    const platform = `${process.platform} ${process.arch}`;
    // The lines after the first list the files that asked for it.
    const [reason] = String(cause instanceof Error ? cause.message : cause).split("\n", 1);
    throw new SessionError(`onnxruntime has no build for ${platform}, or it cannot be loaded: ${reason}`, {
      cause,
    });
  }
}

function checkProvider({ listSupportedBackends }: Runtime, provider: Provider): void {
  const available = listSupportedBackends().map((backend) => backend.name);
  if (available.includes(provider)) return;
  const names = available.join(", ");
  throw new SessionError(
    `provider ${provider} is not in this installation of onnxruntime-node, which has ${names}`,
  );
}

function sessionConfig(threads: number, options: SessionOptions): Record<string, string> {
  // Spinning threads on cores that others are using steal the time they wait for.
  const freeCores = availableParallelism() - loadavg()[0]!;
  return {
    use_deterministic_compute: "1",
    disable_prepacking: (options.weightBytes ?? 0) >= MAPPED_BYTES_MIN ? "1" : "0",
    "intra_op.allow_spinning": threads > freeCores ? "0" : "1",
    ...(options.weightsFolder && { model_external_initializers_file_folder_path: options.weightsFolder }),
  };
}

function runtimeFeeds(runtime: Runtime, names: readonly string[], feeds: Readonly<Record<string, Tensor>>) {
  const missing = names.filter((name) => !feeds[name]);
  if (missing.length > 0) throw new SessionError(`the model needs the input ${missing.join(", ")}`);
  return Object.fromEntries(
    names.map((name) => {
      const { dtype, data, shape } = feeds[name]!;
      return [name, new runtime.Tensor(dtype as "float32", data as Float32Array, shape)];
    }),
  );
}

function hostTensor(value: RuntimeTensor): Tensor {
  return { dtype: value.type as Tensor["dtype"], shape: value.dims, data: value.data as TensorData };
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, " ").trim();
}
