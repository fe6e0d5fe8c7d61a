import { setTimeout as sleep } from "node:timers/promises";
import type { JobStore, PassedOver } from "../../lib/service/jobs/index.ts";
import { system } from "../../lib/shared/system.ts";
import type { GpuConfig } from "./config.ts";
import type { Pause } from "./pull.ts";
import { storeTurns } from "./store-turns.ts";
import type { TurnSource } from "./turn-source.ts";

export interface TurnsDeps {
  readonly jobs: JobStore;
  readonly passedOver: PassedOver;
}

/** Opens the place where a pulling worker learns that jobs wait: the store itself. */
export function openTurns({ pullPauseMs }: GpuConfig, { jobs, passedOver }: TurnsDeps): TurnSource {
  return storeTurns({ jobs, passedOver, pause, random: system.random, pauseMsMax: pullPauseMs });
}

export const pause: Pause = (durationMs, signal) =>
  sleep(durationMs, undefined, { signal }).catch(() => undefined);
