import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ServiceException,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { parsedUrl } from "../../shared/parsed-url.ts";
import { retry } from "../../shared/retry.ts";
import { attachment } from "./attachment.ts";
import {
  assertKey,
  assertList,
  assertPut,
  assertSignedUrl,
  type ServedStore,
  type StoredObject,
  StoreError,
} from "./object-store.ts";
import { openS3Object } from "./s3-open-object.ts";

export interface S3StoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Prefix of every key; `videos/` keeps the store in a folder of that name. */
  readonly prefix?: string;
}

/** Options that leave out optional checksums, because servers other than Amazon's may not know the newer ones. */
const NO_CHECKSUMS = {
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
} as const;

/**
 * Makes a client with the endpoint, region and credentials of the environment (AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL,
 * AWS_REGION, and the other sources of the AWS SDK).
 *
 * @throws StoreError if no region is set, or the endpoint is no URL
 */
export async function s3ClientFromEnvironment(env = process.env): Promise<S3Client> {
  const name = env.AWS_ENDPOINT_URL_S3 ? "AWS_ENDPOINT_URL_S3" : "AWS_ENDPOINT_URL";
  const endpoint = env[name] || undefined;
  if (endpoint !== undefined && !(/^https?:/.test(endpoint) && parsedUrl(endpoint)))
    throw new StoreError("denied", `${name} must be a URL such as http://10.0.0.5:9000.`);
  const region = env.AWS_REGION || (endpoint ? "us-east-1" : undefined);
  const client = new S3Client({
    ...(region !== undefined && { region }),
    // Servers other than Amazon's have no host name for each bucket.
    ...(endpoint && { endpoint, forcePathStyle: true }),
    ...NO_CHECKSUMS,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
  });
  try {
    await client.config.region();
  } catch (cause) {
    throw new StoreError("denied", "No region is set for S3; set AWS_REGION.", { cause });
  }
  return client;
}

/** Makes a client of Amazon S3 in `region`. `timeoutMs` limits the time to connect, and each silence of the server. */
export function s3ClientOf(region: string, timeoutMs: number): S3Client {
  return new S3Client({
    region,
    maxAttempts: 2,
    ...NO_CHECKSUMS,
    requestHandler: { connectionTimeout: timeoutMs, socketTimeout: timeoutMs },
  });
}

/** Opens an object store in a bucket of Amazon S3, or of a server with the same conditional writes. */
export function s3Store({ client, bucket, prefix: own = "" }: S3StoreOptions): ServedStore {
  const place = (key: string) => ({ Bucket: bucket, Key: own + key });
  const explained = (error: unknown) => explanation(bucket, error);

  async function get(key: string): Promise<StoredObject | null> {
    assertKey(key);
    try {
      const { Body, ETag } = await client.send(new GetObjectCommand(place(key)));
      return { body: await Body!.transformToByteArray(), etag: ETag! };
    } catch (error) {
      if (isMissingObject(error)) return null;
      throw explained(error);
    }
  }

  return {
    get,

    async put(key, body, options = {}) {
      assertPut(key, options);
      const { ifAbsent, ifMatch, contentType = "application/octet-stream" } = options;
      const condition = ifAbsent ? { IfNoneMatch: "*" } : ifMatch === undefined ? {} : { IfMatch: ifMatch };
      const command = { ...place(key), Body: body, ContentType: contentType, ...condition };
      try {
        const { ETag } = await inFolder(() => client.send(new PutObjectCommand(command)));
        return { ok: true, etag: ETag! };
      } catch (error) {
        const isConditional = ifAbsent || ifMatch !== undefined;
        if (isConditional && isFailedCondition(error)) return { ok: false, reason: "precondition_failed" };
        if (isConditional && isConflict(error)) return { ok: false, reason: "conflict" };
        throw explained(error);
      }
    },

    async delete(key, { ifMatch } = {}) {
      assertKey(key);
      try {
        if (ifMatch === undefined) {
          await client.send(new DeleteObjectCommand(place(key)));
          return true;
        }
        // S3 needs only the condition below. Without this check, a server that ignores it would delete any version.
        const { ETag } = await client.send(new HeadObjectCommand(place(key)));
        if (ETag !== ifMatch) return false;
        await client.send(new DeleteObjectCommand({ ...place(key), IfMatch: ifMatch }));
        return true;
      } catch (error) {
        if (!isFailedCondition(error)) throw explained(error);
        // The 404 of a HEAD has no name, and that of a GET tells whether the bucket or the credentials are at fault.
        if (isMissingObject(error)) await get(key);
        return false;
      }
    },

    async list(prefix, options = {}) {
      assertList(prefix, options);
      const { after, limit = 1000 } = options;
      const start = after === undefined ? {} : { StartAfter: own + after };
      const command = { Bucket: bucket, Prefix: own + prefix, MaxKeys: limit, ...start };
      try {
        const { Contents = [], IsTruncated = false } = await client.send(new ListObjectsV2Command(command));
        return { keys: Contents.map(({ Key }) => Key!.slice(own.length)), isTruncated: IsTruncated };
      } catch (error) {
        throw explained(error);
      }
    },

    async openObject(key) {
      assertKey(key);
      try {
        return await openS3Object(client, place(key));
      } catch (error) {
        if (!isMissingObject(error)) throw explained(error);
        await get(key);
        return null;
      }
    },

    async signedUrl(key, options) {
      assertSignedUrl(key, options);
      const { expiresInSeconds, contentType, downloadName } = options;
      const command = new GetObjectCommand({
        ...place(key),
        ...(contentType !== undefined && { ResponseContentType: contentType }),
        ...(downloadName !== undefined && { ResponseContentDisposition: attachment(downloadName) }),
      });
      try {
        return await getSignedUrl(client, command, { expiresIn: expiresInSeconds });
      } catch (error) {
        throw explained(error);
      }
    },
  };
}

/** Waits before the further tries of a write whose folder is deleted each time: none, since it is made anew by each. */
const FOLDER_WAITS_MS = [0, 0, 0, 0];

/**
 * Writes again what versitygw refuses because the object's folder was deleted meanwhile, with the last object in it. It
 * says then that the key is a folder, which none of Adareel's is.
 */
function inFolder<T>(write: () => Promise<T>): Promise<T> {
  return retry(write, {
    waits: FOLDER_WAITS_MS,
    sleep: async () => undefined,
    isRetryable: (error) => (error as Error).name === "ExistingObjectIsDirectory",
  });
}

/** Returns whether an answer with status 409 is a conflict that passes by itself. */
function isConflict(error: unknown): boolean {
  return ["ConditionalRequestConflict", "OperationAborted"].includes((error as Error).name);
}

/** Returns the status of an answer, which may be no answer of S3, such as a web server's; undefined without one. */
function statusOf(error: unknown): number | undefined {
  return (error as Partial<S3ServiceException>).$metadata?.httpStatusCode;
}

/**
 * Returns whether an object is missing. A missing bucket is a 404 too, and so are credentials that versitygw does not
 * know, and a proxy's error: names tell them apart, except after a HEAD, whose errors are all called `NotFound`.
 */
export function isMissingObject(error: unknown): boolean {
  return statusOf(error) === 404 && ["NoSuchKey", "NotFound"].includes((error as Error).name);
}

/** Returns whether a condition failed. S3 answers 404 to `If-Match` for an object that does not exist. */
function isFailedCondition(error: unknown): boolean {
  return statusOf(error) === 412 || isMissingObject(error);
}

/** Turns an error of the S3 client into a StoreError that explains it. */
export function explanation(bucket: string, error: unknown): StoreError {
  const status = statusOf(error);
  const { name: kind, code } = error as NodeJS.ErrnoException;
  // The name of a network error says nothing; its code does.
  const name = status === undefined ? (code ?? kind) : kind;
  const options = { cause: error };
  if (name === "NoSuchBucket") {
    return new StoreError(
      "missing_bucket",
      `The bucket ${bucket} does not exist; check its name, or create it.`,
      options,
    );
  }
  if (status === 507 || /StorageFull|QuotaExceeded/.test(name)) {
    return new StoreError("full", `The bucket ${bucket} is full (${name}); free some space.`, options);
  }
  if (kind === "CredentialsProviderError") {
    const message = `There are no AWS credentials for the bucket ${bucket}; log in, or set AWS_PROFILE.`;
    return new StoreError("denied", message, options);
  }
  if (status === 301 || name === "AuthorizationHeaderMalformed") {
    const message = `The bucket ${bucket} is in another region (${name}); set AWS_REGION to that.`;
    return new StoreError("denied", message, options);
  }
  if (status === 401 || status === 403 || name === "XAdminUserNotFound") {
    const message = `The bucket ${bucket} refuses these credentials (${name}); check them and what they allow.`;
    return new StoreError("denied", message, options);
  }
  if (status === 404) {
    const message = `The server of the bucket ${bucket} answers 404 like no S3 server (${name}); check its address.`;
    return new StoreError("denied", message, options);
  }
  const what =
    status === undefined ? `does not answer (${name})` : `answers with an error (${status} ${name})`;
  return new StoreError("unavailable", `The bucket ${bucket} ${what}; try again.`, options);
}
