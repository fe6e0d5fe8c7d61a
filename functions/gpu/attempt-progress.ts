import type { JobProgress } from "../../lib/service/jobs/index.ts";
import type { PastVideo } from "./past-videos.ts";

/** Stage that begins, or a denoising step that has ended. */
export type StepProgress = Pick<JobProgress, "stage" | "steps" | "done" | "computed">;

export interface AttemptProgressOptions {
  /** Number of runs: 2 for a comparison, whose second run computes every step. */
  readonly runs: number;
  /** Last video of this kind, by which its steps, decoding and storing are foreseen; null if there was none. */
  readonly last: PastVideo | null;
  /** Milliseconds by a clock that cannot be set. */
  readonly now?: () => number;
}

/** Progress of one attempt, put together from what the pipeline tells of it. */
export interface AttemptProgress {
  /** Returns the progress of the job from now on, without previews. */
  at(progress: StepProgress): JobProgress;
  readonly taken: string;
  /** Mean time of a reused step so far; null if there was none. */
  readonly reusedSeconds: number | null;
}

/** Follows one attempt: which steps were computed, and how many seconds are left. */
export function attemptProgress(options: AttemptProgressOptions): AttemptProgress {
  const { now = () => performance.now() } = options;
  const seconds: Record<"c" | "r", number[]> = { c: [], r: [] };
  let current: JobProgress | null = null;
  let taken = "";
  let computed = 0;
  let heardAt = now();

  function takeSteps(progress: StepProgress): void {
    const steps = progress.done - taken.length;
    const newlyComputed = Math.min(Math.max(progress.computed - computed, 0), Math.max(steps, 0));
    const more = "c".repeat(newlyComputed) + "r".repeat(Math.max(steps, 0) - newlyComputed);
    const elapsed = (now() - heardAt) / 1000;
    // Steps that are told of together have no times of their own.
    if (more.length === 1) seconds[more as "c" | "r"].push(elapsed);
    taken += more;
    computed += newlyComputed;
  }

  return {
    at(progress) {
      const hasSteps = progress.done > taken.length;
      takeSteps(progress);
      const isSame =
        current !== null && !hasSteps && current.stage === progress.stage && current.steps === progress.steps;
      heardAt = now();
      // A step of a trial or an audit repeats the progress before it.
      if (isSame) return current!;
      const secondsLeft = predicted({ ...progress, taken }, meansOf(seconds), options);
      current = { ...progress, taken, secondsLeft, preview: null };
      return current;
    },
    get taken() {
      return taken;
    },
    get reusedSeconds() {
      return meansOf(seconds).r;
    },
  };
}

interface Means {
  readonly c: number | null;
  readonly r: number | null;
}

function meansOf({ c, r }: Record<"c" | "r", readonly number[]>): Means {
  // The first computed step also warms up what it runs on.
  return { c: mean(c.length > 1 ? c.slice(1) : c), r: mean(r) };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Predicts the seconds until the outputs are stored; null if nothing is known to predict them by. */
function predicted(
  { stage, steps, taken }: Pick<JobProgress, "stage" | "steps" | "taken">,
  means: Means,
  { runs, last }: AttemptProgressOptions,
): number | null {
  if (stage === "load") return null;
  const done = taken.length;
  const left = stage === "write" ? 0 : Math.max(steps - done, 0);
  const decodings = stage === "write" ? 0 : decodingsLeft({ stage, steps, done }, runs);
  const denoise = left === 0 ? 0 : denoisingSeconds(taken, steps, means, { runs, last });
  if (denoise === null || (left === 0 && !last)) return null;
  // What was never seen of this kind is left out.
  const rest = last ? decodings * last.decodeSeconds + last.storeSeconds : 0;
  return Math.round((denoise + rest) * 10) / 10;
}

/** Counts the decodings that have not ended, that of the current run included. */
function decodingsLeft(
  { stage, steps, done }: Pick<JobProgress, "stage" | "steps" | "done">,
  runs: number,
): number {
  const ended = Math.min(Math.floor(done / (steps / runs)), runs);
  return runs - (stage === "decode" ? Math.max(ended - 1, 0) : Math.min(ended, runs - 1));
}

/** Predicts the time of the steps that are left; null before the first computed step. */
function denoisingSeconds(
  taken: string,
  steps: number,
  means: Means,
  { runs, last }: Pick<AttemptProgressOptions, "runs" | "last">,
): number | null {
  if (means.c === null) return null;
  const left = steps - taken.length;
  const computed = last?.taken.length === steps ? computedIn(last.taken.slice(taken.length)) : null;
  const expected = computed ?? expectedComputed(taken, steps, runs);
  return expected * means.c + (left - expected) * (means.r ?? last?.reusedSeconds ?? means.c);
}

/** Expects the share of computed steps so far to go on; the second run of a comparison computes every step. */
function expectedComputed(taken: string, steps: number, runs: number): number {
  const own = steps / runs;
  const first = taken.slice(0, own);
  const share = first.length === 0 ? 1 : computedIn(first) / first.length;
  return Math.max(own - taken.length, 0) * share + (steps - Math.max(Math.floor(own), taken.length));
}

function computedIn(taken: string): number {
  return taken.replaceAll("r", "").length;
}
