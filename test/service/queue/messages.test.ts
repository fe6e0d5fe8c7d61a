import fc from "fast-check";
import { expect, it } from "vitest";
import { jobKey, newVideoId } from "../../../lib/service/jobs/index.ts";
import { hintBody, hintedJobs, MessageError } from "../../../lib/service/queue/messages.ts";

const ref = {
  tenant: "acme",
  id: newVideoId({ now: () => 1_764_000_000_000 }, (count) => new Uint8Array(count)),
};

/** Makes an S3 event, shortened to the fields that matter. */
function eventOf(...keys: string[]): string {
  const Records = keys.map((key) => ({
    eventVersion: "2.1",
    eventSource: "aws:s3",
    awsRegion: "eu-central-1",
    eventName: "ObjectCreated:Put",
    s3: {
      s3SchemaVersion: "1.0",
      bucket: { name: "videos" },
      object: { key, size: 13, sequencer: "0055AED6DCD90281E5" },
    },
  }));
  return JSON.stringify({ Records });
}

it("a hint names its job", () => {
  expect(hintedJobs(hintBody(ref))).toEqual([ref]);
});

it("an event of the bucket names the jobs of its objects, and no others", () => {
  const marker = `unfinished/acme/key/${ref.id}`;
  expect(hintedJobs(eventOf(marker, "models/demo/model_index.json", jobKey(ref)))).toEqual([ref, ref]);
});

it("keys in events are decoded", () => {
  expect(hintedJobs(eventOf(`undelivered%2Facme%2F${ref.id}`))).toEqual([ref]);
});

it("the test event that S3 sends to a destination names no job", () => {
  expect(
    hintedJobs(JSON.stringify({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "videos" })),
  ).toEqual([]);
});

it("any other message is told apart", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      expect(() => hintedJobs(body)).toThrow(MessageError);
    }),
  );
});
