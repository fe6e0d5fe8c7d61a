import { relativeChange } from "../arrays.ts";
import type { Rival, RivalRun } from "../rival.ts";
import { DBCACHE_LIBRARY, DBCACHE_SERVERS, dbCache } from "../rules/dbcache.ts";
import { type DriftSignal, FIRST_BLOCK_DIFFUSERS, firstBlockCache } from "../rules/first-block.ts";
import type { Rule } from "../rules/rule.ts";
import { frontRun, restReused } from "./front-run.ts";
import { settingsOf } from "./setting.ts";

/** First-Block Cache and DBCache, which run the first blocks at every step. */

export const firstBlock: Rival = {
  name: "First-Block Cache",
  source: "diffusers 0.42.1, hooks/first_block_cache.py; one decision for both halves of guidance",
  role: "rival",
  settings: () =>
    settingsOf({ values: [0.05, 0.1, 0.2, 0.4], defaults: [0.05], everywhere: [0.1, 0.2] }, (threshold) =>
      watch(firstBlockCache({ ...FIRST_BLOCK_DIFFUSERS, threshold }), 1),
    ),
};

export const dbCacheServers: Rival = {
  name: "DBCache, 1 in front",
  source: "cache-dit 1.5.3 with the defaults of vLLM-Omni and SGLang: warm-up 4, at most 3 reused in a row",
  role: "rival",
  settings: () =>
    settingsOf({ values: [0.1, 0.24], defaults: [0.24], everywhere: [0.1] }, (threshold) =>
      watch(dbCache({ ...DBCACHE_SERVERS, threshold }), 1),
    ),
};

export const dbCacheLibrary: Rival = {
  name: "DBCache, 8 in front",
  source:
    "cache-dit 1.5.3 with its own defaults: 8 blocks in front, warm-up 8; at most two thirds of the blocks, and a pair " +
    "of a spatial and a temporal block counts as one, so that the demo model has 4 pairs of 6 in front",
  role: "rival",
  settings: () =>
    settingsOf({ values: [0.08], defaults: [0.08] }, (threshold, context) =>
      watch(dbCache({ ...DBCACHE_LIBRARY, threshold }), frontOf(context.blocks)),
    ),
};

/** Blocks in front where the library's default would leave few or none behind. */
export function frontOf(blocks: number): number {
  return Math.max(1, Math.min(DBCACHE_LIBRARY.blocks, Math.floor((2 * blocks) / 3)));
}

function watch(rule: Rule<DriftSignal>, blocks: number): RivalRun {
  return frontRun({
    rule,
    blocks,
    keep: 1,
    before: ({ added }, [newest]) => ({ drift: newest ? relativeChange(newest.front.added, added) : null }),
    residual: restReused,
  });
}
