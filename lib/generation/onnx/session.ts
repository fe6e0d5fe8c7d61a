import { availableParallelism, loadavg } from "node:os";
import type { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { addsExactly } from "./integer-kernels.ts";
import { defaultProvider, type Provider, type Tensor, type TensorData } from "./types.ts";

export interface SessionOptions {
  /** Folder that paths of external weights are relative to: `Checkpoint.root`. */
  readonly weightsFolder?: string;
  readonly provider?: Provider;
  /** Threads per operator; by default one for each core available to this process. */
  readonly threads?: number;
  /** `Graph.weightBytes`, by which the session chooses between copying and mapping the weights; 0 by default. */
  readonly weightBytes?: number;
  /** Bytes of weights from which they are mapped; `MAPPED_BYTES_MIN` by default. The graph must be built with it. */
  readonly mappedBytesMin?: number;
  /**
   * Outputs that stay in the memory of the device if the host can hold tensors there, which it can with WebGPU alone.
   * Other sessions read them there; `data` throws. The caller releases them.
   */
  readonly keptOutputs?: readonly string[];
}

/** Opened model. `run` blocks the thread until the graph is done: onnxruntime cannot be interrupted. */
export interface Session {
  /** Names of the feeds that `run` needs. Inputs that no output depends on were dropped from the graph. */
  readonly inputs: readonly string[];
  /**
   * Runs the graph. Feeds that it does not read are ignored, so that the graphs cut from one model can share
   * feeds.
   *
   * @param outputs names of the outputs to return, all by default; the others do not leave the device
   */
  run(feeds: Readonly<Record<string, Tensor>>, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  /** Frees the model. A second call does nothing. */
  release(): Promise<void>;
}

/**
 * Bytes of weights from which they are read from the mapped file instead of being copied. By default
 * onnxruntime copies (prepacks) each weight into the layout of its kernels: opening takes about 1.3 s per GB
 * and every session holds its own copy, for runs up to 15 % faster. Above this size that does not pay.
 * Sessions and processes share mapped weights.
 */
export const MAPPED_BYTES_MIN = 512 * 2 ** 20;

/** Tells if outputs of a session can stay on the device as tensors. With CUDA, the binding for Node offers no way. */
function holdsDeviceTensors(provider: Provider): boolean {
  return provider === "webgpu";
}

/** Tells if a session holds weights and activations in the machine's own memory. */
export function usesMachineMemory(provider: Provider = defaultProvider): boolean {
  return provider === "cpu";
}

type Runtime = typeof import("onnxruntime-node");

/** Cause of a session's failure, as far as callers treat causes differently. */
export type SessionFault =
  /** The machine has no adapter for the provider. */
  | "no_adapter"
  /** The provider has no kernel for an operator, which would run on the CPU. */
  | "no_kernel"
  /** The driver computes wrongly. */
  | "wrong_numbers"
  /** The device was lost while it ran, and no session of this process can use it any more. */
  | "device_lost";

/** Error for a model that cannot be opened or run; the message is one sentence. */
export class SessionError extends Error {
  override readonly name = "SessionError";
  /** Null for causes that callers need not tell apart. */
  readonly fault: SessionFault | null;

  constructor(
    message: string,
    { fault = null, ...options }: ErrorOptions & { fault?: SessionFault | null } = {},
  ) {
    super(message, options);
    this.fault = fault;
  }
}

/**
 * Opens a model built by `Graph.build()`. The weight files must not change while the session is open.
 *
 * @throws SessionError if the provider is not available, or onnxruntime refuses the model
 *
 * @example
 * const session = await openSession(graph.build(), { weightsFolder: checkpoint.root });
 * const x = { dtype: "float32", shape: [1, 192], data: new Float32Array(192) } as const;
 * const { y } = await session.run({ x });
 * await session.release();
 */
export async function openSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const provider = options.provider ?? defaultProvider;
  const runtime = await loadRuntime();
  checkProvider(runtime, provider);
  const threads = options.threads ?? availableParallelism();
  const kept = holdsDeviceTensors(provider)
    ? (options.keptOutputs ?? []).map((name) => [name, "gpu-buffer"] as const)
    : [];
  let session: InferenceSession;
  try {
    session = await runtime.InferenceSession.create(model, {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Log fatal errors only: the others are thrown, and would appear on stderr a second time.
      logSeverityLevel: 4,
      ...(kept.length > 0 && { preferredOutputLocation: Object.fromEntries(kept) }),
      extra: {
        session: sessionConfig(provider, threads, options),
        // This optimizer fuses an addition into the following normalisation, unless the sum is read elsewhere
        // too, and then rounds differently. The graphs cut from one model would differ in their last bits.
        // Steps take as long without it.
        optimization: { disable_specified_optimizers: "SkipLayerNormFusion" },
      },
    });
  } catch (cause) {
    throw sessionError("open", provider, cause);
  }
  let isReleased = false;
  return {
    inputs: session.inputNames,
    async run(feeds, outputs = session.outputNames) {
      if (isReleased) throw new SessionError("the session was released and cannot run");
      const inputs = runtimeFeeds(runtime, session.inputNames, feeds);
      const results = await session.run(inputs, outputs).catch((cause: unknown) => {
        throw sessionError("run", provider, cause);
      });
      return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, tensorOf(value)]));
    },
    async release() {
      if (isReleased) return;
      isReleased = true;
      await session.release();
    },
  };
}

/**
 * Loads onnxruntime when the first session opens. A process that leaves generation to another process does
 * not need it.
 *
 * @throws SessionError on a platform that onnxruntime has no build for
 */
async function loadRuntime(): Promise<Runtime> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    const platform = `${process.platform} ${process.arch}`;
    // The lines after the first are node's list of modules that required it.
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

/**
 * Words of onnxruntime once no session of the process can use the device any more. Errors of CUDA have numbers: 46 and
 * 100 tell of a GPU that is not to be had, 214 and 220 of uncorrectable errors in its memory and its links, those from
 * 700 on of kernels that ended badly, and 999 of anything else.
 *
 * @see CUDA runtime API, `cudaError`
 */
const DEVICE_LOST = new RegExp(
  [/\bis lost\b|\bdevice (was )?lost\b/, /\bCUDA failure (46|100|214|220|700|702|709|710|71[4-9]|999)\b/]
    .map(({ source }) => source)
    .join("|"),
  "i",
);

/** Returns the error of onnxruntime in one sentence, which says what to do where that is known. */
function sessionError(doing: "open" | "run", provider: Provider, cause: unknown): SessionError {
  const message = messageOf(cause);
  if (/Failed to get a WebGPU (adapter|device)/.test(message)) {
    return new SessionError(
      "WebGPU finds no GPU that it can use (install the GPU's Vulkan driver, or take the provider cpu)",
      { cause, fault: "no_adapter" },
    );
  }
  if (message.includes("assigned to the default CPU EP")) {
    return new SessionError(
      `provider ${provider} has no kernel for an operator of the model, so take the provider cpu`,
      {
        cause,
        fault: "no_kernel",
      },
    );
  }
  if (DEVICE_LOST.test(message)) {
    return new SessionError(
      `the GPU was lost while onnxruntime ${doing === "run" ? "ran" : "opened"} the model`,
      {
        cause,
        fault: "device_lost",
      },
    );
  }
  return new SessionError(`onnxruntime cannot ${doing} the model: ${message}`, { cause });
}

function sessionConfig(provider: Provider, threads: number, options: SessionOptions): Record<string, string> {
  // Spinning threads would steal time on cores that other processes use.
  const freeCores = availableParallelism() - loadavg()[0]!;
  const isMapped = (options.weightBytes ?? 0) >= (options.mappedBytesMin ?? MAPPED_BYTES_MIN);
  return {
    use_deterministic_compute: "1",
    // Takes a slower kernel that is exact everywhere. For it the runtime copies integers of weights into memory, so
    // that they are not mapped, and it would take the place of VNNI's and AMX's kernels too.
    x64quantprecision: addsExactly() ? "0" : "1",
    disable_prepacking: isMapped ? "1" : "0",
    "intra_op.allow_spinning": threads > freeCores ? "0" : "1",
    // Without this, an operator that WebGPU has no kernel for would run on the CPU in silence.
    ...(provider === "webgpu" && { disable_cpu_ep_fallback: "1" }),
    ...(options.weightsFolder && { model_external_initializers_file_folder_path: options.weightsFolder }),
  };
}

function runtimeFeeds(runtime: Runtime, names: readonly string[], feeds: Readonly<Record<string, Tensor>>) {
  const missing = names.filter((name) => !feeds[name]);
  if (missing.length > 0) throw new SessionError(`the model needs the input ${missing.join(", ")}`);
  return Object.fromEntries(
    names.map((name) => {
      const tensor = feeds[name]!;
      if (tensor instanceof DeviceTensor) return [name, tensor.value];
      const { dtype, data, shape } = tensor;
      return [name, new runtime.Tensor(dtype as "float32", data as Float32Array, shape)];
    }),
  );
}

function tensorOf(value: RuntimeTensor): Tensor {
  if (value.location === "gpu-buffer") return new DeviceTensor(value);
  return { dtype: value.type as Tensor["dtype"], shape: value.dims, data: value.data as TensorData };
}

/** Tensor in the memory of the device. */
class DeviceTensor implements Tensor {
  readonly value: RuntimeTensor;
  readonly dtype: Tensor["dtype"];
  readonly shape: readonly number[];

  constructor(value: RuntimeTensor) {
    this.value = value;
    this.dtype = value.type as Tensor["dtype"];
    this.shape = value.dims;
  }

  /** @throws SessionError always: onnxruntime's own way to fetch the data ends the whole process */
  get data(): TensorData {
    throw new SessionError("the tensor is in the memory of the GPU, where the host cannot read it");
  }

  release(): void {
    this.value.dispose();
  }
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, " ").trim();
}
