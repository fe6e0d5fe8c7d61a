import type { Rival } from "../rival.ts";
import { diCacheRival } from "./dicache.ts";
import { dbCacheLibrary, dbCacheServers, firstBlock } from "./first-blocks.ts";
import { alternateHalves, forecastGate, guidanceGateRival } from "./guidance.ts";
import { easyCacheRival, forecastEasyCache, naviCacheRival } from "./input-change.ts";
import { magCacheRival, offlineReference, spectrumRival, taylorSeerRival } from "./schedules.ts";
import { seaCacheLinear, seaCachePlain } from "./seacache.ts";
import { fittedTeaCache, rawTeaCache } from "./teacache.ts";

/** All rivals besides the product's own policies, in the order of the tables. */
export const rivals: readonly Rival[] = [
  rawTeaCache,
  fittedTeaCache,
  firstBlock,
  dbCacheServers,
  dbCacheLibrary,
  easyCacheRival,
  naviCacheRival,
  seaCacheLinear,
  seaCachePlain,
  diCacheRival,
  magCacheRival,
  taylorSeerRival(1),
  taylorSeerRival(2),
  spectrumRival,
  guidanceGateRival,
  forecastEasyCache,
  forecastGate,
  alternateHalves,
  offlineReference,
];
