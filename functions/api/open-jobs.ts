import type { Logger } from "pino";
import { isResolvedRequest } from "../../lib/generation/request/index.ts";
import { type JobStore, jobStore } from "../../lib/service/jobs/index.ts";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";

/** Opens the jobs of an API. Its log has each damaged record that was skipped. */
export function openJobs(store: ObjectStore, log: Pick<Logger, "error">): JobStore {
  return jobStore({
    store,
    ...system,
    canReadParams: isResolvedRequest,
    onDamaged: (error) => log.error({ reason: error.message }, "a damaged record was skipped"),
  });
}
