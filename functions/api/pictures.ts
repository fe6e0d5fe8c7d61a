import { isVideoId, type JobRecord, type NewInput } from "../../lib/service/jobs/index.ts";
import { checkPictureUrl } from "../../lib/service/net/index.ts";
import { checkPicture, PICTURE_LIMITS } from "../../lib/service/pictures/index.ts";
import type { ApiDeps } from "./env.ts";
import { FormFile } from "./middleware/form-file.ts";
import type { AskedPicture, AskedPictures } from "./picture-fields.ts";
import { PICTURE_FIELDS, type PictureField } from "./picture-fields.ts";
import { ApiError } from "./problem.ts";

type PictureDeps = Pick<ApiDeps, "store" | "jobs" | "webhookUrls" | "fetchPicture">;

/** Picture of a request, and the way to read it. */
interface GivenPicture {
  /** Part of the request that a repetition has in common with it: the hash of the bytes, or where they come from. */
  readonly fingerprint: object;
  /** @throws ApiError if there is no picture that can be used */
  read(): Promise<NewInput>;
}

/** Pictures of a request. If they come with it, they are checked; others are read when their job is created. */
export interface GivenPictures {
  /** Fields of the fingerprint of the request, in place of the pictures. */
  readonly fingerprint: Readonly<Record<string, object>>;
  /** Reads all of them, for `JobStore.create`; undefined if there are none. */
  readonly read: (() => Promise<Readonly<Record<string, NewInput>>>) | undefined;
}

/**
 * Returns the pictures of a request by a tenant.
 *
 * @throws ApiError that names the field of a picture that cannot be used, or of a URL that is not fetched
 */
export function picturesOf(request: AskedPictures, tenant: string, deps: PictureDeps): GivenPictures {
  const given = (Object.keys(PICTURE_FIELDS) as PictureField[]).flatMap((field) => {
    const asked = request[field];
    return asked === undefined ? [] : [[field, pictureOf(asked, { field, tenant }, deps)] as const];
  });
  return {
    fingerprint: Object.fromEntries(given.map(([field, { fingerprint }]) => [field, fingerprint])),
    read: given.length === 0 ? undefined : () => readAll(given),
  };
}

/** Returns the way to copy the pictures of a job, so that a remix keeps them after its original is deleted. */
export function copiesOf(parent: JobRecord, deps: Pick<ApiDeps, "store">): GivenPictures["read"] {
  const fields = Object.keys(parent.inputs);
  if (fields.length === 0) return undefined;
  return () =>
    readAll(
      fields.map((field) => [field, { read: () => copyOf(parent, field, { field, store: deps.store }) }]),
    );
}

async function readAll(pictures: readonly (readonly [string, Pick<GivenPicture, "read">])[]) {
  const read = await Promise.all(pictures.map(async ([field, { read }]) => [field, await read()] as const));
  return Object.fromEntries(read);
}

interface Place {
  readonly field: PictureField;
  readonly tenant: string;
}

function pictureOf(asked: AskedPicture, place: Place, deps: PictureDeps): GivenPicture {
  if (asked instanceof FormFile) return atHand(asked.bytes, place);
  if (typeof asked === "object" && "video_id" in asked) return ofVideo(asked.video_id, place, deps);
  const url = typeof asked === "string" ? asked : asked.image_url;
  return /^data:/i.test(url) ? atHand(bytesIn(url, place), place) : atUrl(url, place, deps);
}

function atHand(bytes: Uint8Array, { field }: Place): GivenPicture {
  const picture = checked(bytes, field);
  return { fingerprint: { sha256: picture.sha256 }, read: async () => picture };
}

/** A repetition is known by its URL, so that it needs no second answer of the host. */
function atUrl(text: string, { field }: Place, { webhookUrls, fetchPicture }: PictureDeps): GivenPicture {
  const checkedUrl = checkPictureUrl(text, webhookUrls);
  if (!checkedUrl.ok) throw refused(checkedUrl.reason, field);
  const { url } = checkedUrl;
  return {
    fingerprint: { url },
    async read() {
      const fetched = await fetchPicture(url);
      if (!fetched.ok) throw new ApiError("picture_unreachable", fetched.reason, { param: field });
      return checked(fetched.body, field);
    },
  };
}

function ofVideo(id: string, { field, tenant }: Place, { store, jobs }: PictureDeps): GivenPicture {
  return {
    fingerprint: { video_id: id },
    async read() {
      const record = isVideoId(id) ? await jobs.read({ tenant, id }) : null;
      if (!record?.inputs[field])
        throw refused(`${field}.video_id names no video with such a picture.`, field);
      return copyOf(record, field, { field, store });
    },
  };
}

async function copyOf(
  { inputs }: JobRecord,
  name: string,
  { field, store }: { readonly field: string; readonly store: ApiDeps["store"] },
): Promise<NewInput> {
  const { key, contentType, sha256, width, height } = inputs[name]!;
  const stored = await store.get(key);
  if (!stored) throw refused("The picture of that video was deleted: send it again.", field);
  return { contentType, sha256, width, height, body: stored.body };
}

function checked(bytes: Uint8Array, field: string): NewInput {
  const result = checkPicture(bytes);
  if (result.ok) return result.picture;
  throw refused(`${field} ${result.reason}.`, field);
}

/** Returns advice for a body that is too long; undefined where bodies may hold every picture that is taken. */
export function adviceForPictures(bodyBytesMax: number): string | undefined {
  return bodyBytesMax < PICTURE_LIMITS.bytesMax
    ? "send the URL of a larger picture as input_reference"
    : undefined;
}

/** Longest data URL that can hold a picture of the largest size. */
const DATA_CHARACTERS_MAX = Math.ceil((PICTURE_LIMITS.bytesMax * 4) / 3) + 1000;

/** Reads the bytes in a data URL (RFC 2397). The media type that it names is the client's word, and not used. */
function bytesIn(url: string, { field }: Place): Uint8Array {
  if (url.length > DATA_CHARACTERS_MAX)
    throw refused(
      `${field} has too many bytes: a picture may have at most ${PICTURE_LIMITS.bytesMax}.`,
      field,
    );
  const comma = url.indexOf(",");
  const isBase64 = comma >= 0 && /;base64$/i.test(url.slice(0, comma).trimEnd());
  const text = url.slice(comma + 1).replaceAll(/\s+|%0[ad]/gi, "");
  if (!isBase64 || !/^[\w+/-]*(=|%3D){0,2}$/i.test(text))
    throw refused(
      `${field} is a data URL that is not read: write data:image/png;base64, and the bytes in base64.`,
      field,
    );
  return Buffer.from(text, "base64");
}

function refused(message: string, param: string): ApiError {
  return new ApiError("invalid_picture", message, { param });
}
