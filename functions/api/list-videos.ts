import type { JobRecord, JobStore } from "../../lib/service/jobs/index.ts";
import type { VideoFilter } from "./middleware/list-query.ts";
import { ApiError } from "./problem.ts";
import { STATUS_NAMES } from "./views/video.ts";

/** Maximum number of records that one request for a filtered list reads. */
const FILTERED_MAX = 2000;

/**
 * Returns one page of a tenant's videos that match a filter, in the order that it asks for.
 *
 * @throws ApiError if none of the records that one request may read matches
 */
export async function listVideos(
  jobs: JobStore,
  tenant: string,
  { after, limit, order, status, metadata }: VideoFilter,
): Promise<{ readonly records: readonly JobRecord[]; readonly isTruncated: boolean }> {
  const isWanted = (record: JobRecord) =>
    record.deletedAt === null &&
    (status === undefined || STATUS_NAMES[record.status] === status) &&
    metadata.every(([name, value]) => record.metadata[name] === value);
  const isFiltered = status !== undefined || metadata.length > 0;
  const found: JobRecord[] = [];
  let [last, looked, isTruncated] = [after, 0, true];
  // The loop collects one video more than the page holds: if it exists, there is a next page that is not empty.
  while (isTruncated && found.length <= limit && looked < FILTERED_MAX) {
    const page = await jobs.list(tenant, { after: last, order, limit: isFiltered ? 100 : limit + 1 });
    found.push(...page.records.filter(isWanted));
    looked += page.records.length;
    last = page.records.at(-1)?.id;
    isTruncated = page.isTruncated && last !== undefined;
  }
  if (isTruncated && found.length === 0) throw tooDeep(last);
  return { records: found.slice(0, limit), isTruncated: isTruncated || found.length > limit };
}

function tooDeep(last: string | undefined): ApiError {
  return new ApiError(
    "invalid_value",
    `None of the next ${FILTERED_MAX} videos matches: continue with after=${last}, or use a less strict filter.`,
    { param: "after" },
  );
}
