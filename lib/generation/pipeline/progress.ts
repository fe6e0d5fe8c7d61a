import { pauseUnlessCancelled } from "./denoise.ts";

export type Stage = "load" | "encode" | "denoise" | "decode";

/**
 * Progress of a generation: a stage that begins, or a denoising step that has ended. A step of a trial or an audit
 * repeats the progress before it. `load` comes again when a part is opened later, because memory holds no more.
 */
export interface Progress {
  readonly stage: Stage;
  /**
   * Denoising steps in total. Once the model is loaded they are those of its sampler, which may be more than the
   * request's.
   */
  readonly steps: number;
  /** Denoising steps done. */
  readonly done: number;
  /** Computed steps among those done. */
  readonly computed: number;
}

/** Progress of one generation: tells of its stages and steps, and takes the time of each stage. */
export class RunProgress {
  /** Seconds of each stage so far. */
  readonly seconds: Record<Stage, number> = { load: 0, encode: 0, denoise: 0, decode: 0 };
  /** Denoising steps in total, as far as they are known. */
  steps: number;
  #done = 0;
  #computed = 0;
  readonly #signal: AbortSignal;
  readonly #onProgress: ((progress: Progress) => void) | undefined;

  constructor(steps: number, signal: AbortSignal, onProgress?: (progress: Progress) => void) {
    this.steps = steps;
    this.#signal = signal;
    this.#onProgress = onProgress;
  }

  /** Computed steps among those done. */
  get computed(): number {
    return this.#computed;
  }

  report(stage: Stage): void {
    this.#onProgress?.({ stage, steps: this.steps, done: this.#done, computed: this.#computed });
  }

  /** Counts a denoising step that has ended, and reports it. */
  endStep(isComputed: boolean): void {
    this.#done += 1;
    if (isComputed) this.#computed += 1;
    this.report("denoise");
  }

  /**
   * Reports a stage, and adds the time of its work to that of the stage.
   *
   * @throws CancelledError if the generation is cancelled before the stage begins
   */
  async timed<R>(stage: Stage, work: () => Promise<R>): Promise<R> {
    await pauseUnlessCancelled(this.#signal);
    this.report(stage);
    const started = performance.now();
    const result = await work();
    this.seconds[stage] += (performance.now() - started) / 1000;
    return result;
  }
}
