import {
  artifactKey,
  type JobEvent,
  type JobRecord,
  type NewJob,
  type Receipt,
} from "../../../lib/service/jobs/index.ts";
import { queuedJob } from "../../../lib/service/jobs/record.ts";
import { transition } from "../../../lib/service/jobs/transition.ts";

export const NOW = Date.UTC(2030, 0, 1);

export const newJob: NewJob = {
  id: "video_01q3dcbd000000000000000000",
  tenant: "acme",
  keyId: "key1",
  createdAt: NOW,
  deadlineAt: NOW + 3_600_000,
  expiresAt: NOW + 86_400_000,
  params: {
    model: "demo",
    prompt: "a red circle moves",
    negativePrompt: "blue",
    seed: 5,
    steps: 8,
    guidanceScale: 7,
    width: 64,
    height: 64,
    frames: 8,
    fps: 8,
    cache: { policy: "auto", motion: true, warmupSteps: 2 },
    compare: false,
  },
  metadata: { order: "7" },
  remixedFrom: null,
  webhook: { url: "https://acme.example/hook", events: ["video.completed", "video.failed"] },
};

/** Request of a deleted job: the prompts of the user are removed. */
export const forgotten = { ...newJob.params, prompt: "", negativePrompt: null };

export const queued: JobRecord = queuedJob(newJob);

export const receipt: Receipt = {
  steps: {
    requested: 8,
    computed: 4,
    reused: 4,
    computed_indices: [1, 3, 7, 8],
    reused_indices: [2, 4, 5, 6],
  },
  schedule: [{ step: 1, change: null, motion_score: 0.4, motion_factor: 1, distance: null, rate: 2 }],
  cache: { policy: "auto", codebook: [{ below: null, rate: 2 }], motion: null, warmup_steps: 2 },
  speedup: 1.8,
  seconds: { queue: 0, load: 1, encode: 1, denoise: 1, decode: 1, write: 1, upload: 1, total: 6 },
  comparison: null,
  prompt: { tokens: 5, is_truncated: false, is_negative_truncated: false },
  unknown_words: ["dog"],
  video: { bytes: 4, sha256: "00", encoder: "ffmpeg" },
  attempt: 1,
  provider: "cpu",
  versions: {},
  weights: {},
};

export const outputs = {
  video: { key: artifactKey(newJob, 1, "video.mp4"), contentType: "video/mp4", bytes: 4, sha256: "00" },
  thumbnail: null,
  uncached: null,
};

/** Applies events to a record; throws if one is not allowed. */
export function later(record: JobRecord, now: number, ...events: JobEvent[]): JobRecord {
  return events.reduce((current, event) => {
    const next = transition(current, event, now);
    if (!next.ok) throw new Error(`${event.type} of a ${current.status} job: ${next.reason}`);
    return next.record;
  }, record);
}
