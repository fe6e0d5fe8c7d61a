/** Share of the time of denoising that all previews together may take. */
const SHARE = 0.01;

/** Least time between two previews, in milliseconds: nobody looks at more. */
const APART_MS = 500;

/** Denoising steps before the first preview: what one step implies is mostly a mean of many videos. */
const FIRST_STEP = 2;

/**
 * Decides after which denoising steps there is a preview. The first comes after the second step. Every further one
 * waits until all of them, itself included, have taken at most a hundredth of the time of denoising. There is none
 * after the last step, which the video follows.
 */
export class PreviewPace {
  readonly #elapsed: () => number;
  readonly #begun: number;
  #spentMs = 0;
  /** Milliseconds that the last preview took, and when it was there; null before the first. */
  #last: { readonly tookMs: number; readonly at: number } | null = null;

  /** @param elapsed milliseconds since any moment */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
    this.#begun = elapsed();
  }

  /**
   * Returns whether there is a preview now.
   *
   * @param done denoising steps done, of `steps`
   */
  isDue(done: number, steps: number): boolean {
    if (done < FIRST_STEP || done >= steps) return false;
    if (this.#last === null) return true;
    const now = this.#elapsed();
    const isApart = now - this.#last.at >= APART_MS;
    const denoisedMs = now - this.#begun - this.#spentMs;
    return isApart && this.#spentMs + this.#last.tookMs <= SHARE * denoisedMs;
  }

  /** Runs what makes and sends a preview, and counts its time. */
  spend(work: () => void): void {
    const begun = this.#elapsed();
    work();
    const at = this.#elapsed();
    this.#spentMs += at - begun;
    this.#last = { tookMs: at - begun, at };
  }
}
