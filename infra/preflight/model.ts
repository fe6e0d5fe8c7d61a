import {
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { type ModelCard, modelPrefix, readModelCard } from "../../lib/distribution/model-store/index.ts";
import { RecordError } from "../../lib/service/storage/index.ts";
import type { DeploymentConfig } from "../config.ts";
import { FOLDERS, sharedNames } from "../names.ts";
import { asked, CLIENT_LIMITS, statusOf } from "./aws.ts";
import type { EarlierJobs } from "./backend-checks.ts";
import { ownedByStack, takingOver } from "./data-stack.ts";
import { type Finding, notMade, ok, toDo, wrong } from "./finding.ts";

interface Request {
  readonly abortSignal: AbortSignal;
}

/** Findings about a deployment's bucket. */
export interface Stored {
  /** Finding whether the bucket exists, and whether the data stack owns it. */
  readonly bucket: Promise<Finding>;
  /** Finding whether it contains all bytes of the model. */
  readonly model: Promise<Finding>;
  /** Jobs that it has; `none` if this cannot be found out. */
  readonly jobs: Promise<EarlierJobs>;
}

/** Checks the bucket and the model in it. */
export function storedModel(config: DeploymentConfig): Stored {
  const { bucket } = sharedNames(config);
  const isLocal = Boolean(process.env.AWS_ENDPOINT_URL_S3 || process.env.AWS_ENDPOINT_URL);
  const client = new S3Client({ region: config.region, forcePathStyle: isLocal, ...CLIENT_LIMITS });
  const permission = `s3:ListBucket and s3:GetObject of ${bucket}`;
  const push = pushCommand(config.model, bucket);

  const found = asked(permission, async (request) => {
    try {
      await client.send(new HeadBucketCommand({ Bucket: bucket }), request);
      return ok(`${bucket}.`);
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      return toDo(`The bucket ${bucket} does not exist yet`, `run npx cdk deploy ${config.name}/data`);
    }
  });

  async function model(): Promise<Finding> {
    const { state, obstacle } = await found;
    if (obstacle) return notMade(obstacle);
    if (state !== "ok") return toDo("It needs the bucket", `then run ${push}`);
    return asked(permission, async (request) => {
      const card = await readCard(request);
      if (card === "damaged") return wrong(`The card of ${config.model} cannot be read`, `run ${push}`);
      if (card === null) return toDo(`The bucket has no model ${config.model}`, `run ${push}`);
      const storedBytes = await bytesBelow(modelPrefix(config.model), request);
      if (storedBytes === card.bytes) return ok(`${config.model}, ${(card.bytes / 1e9).toFixed(2)} GB.`);
      return wrong(
        `The bucket has ${storedBytes} bytes of the model instead of ${card.bytes}`,
        `run ${push}`,
      );
    });
  }

  async function readCard(request: Request): Promise<ModelCard | "damaged" | null> {
    try {
      return await readModelCard({ get: (key) => get(key, request) }, config.model);
    } catch (error) {
      if (error instanceof RecordError) return "damaged";
      throw error;
    }
  }

  async function get(Key: string, request: Request) {
    try {
      const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }), request);
      return { body: await Body!.transformToByteArray(), etag: ETag! };
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  async function bytesBelow(Prefix: string, request: Request): Promise<number> {
    let sum = 0;
    for await (const { Contents = [] } of paginateListObjectsV2(
      { client },
      { Bucket: bucket, Prefix },
      request,
    ))
      for (const { Size } of Contents) sum += Size!;
    return sum;
  }

  async function hasAny(Prefix: string): Promise<boolean> {
    const listed = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix, MaxKeys: 1 }));
    return (listed.Contents ?? []).length > 0;
  }

  async function jobs(): Promise<EarlierJobs> {
    if ((await found).state !== "ok") return "none";
    try {
      if (!(await hasAny(FOLDERS.jobs))) return "none";
      return (await hasAny(FOLDERS.unfinished)) ? "unfinished" : "ended";
    } catch {
      return "none";
    }
  }

  const owned = ownedByStack(config, () =>
    wrong(`The bucket ${bucket} exists, and no stack owns it`, takingOver(config)),
  );
  return { bucket: found.then(owned), model: model(), jobs: jobs() };
}

function pushCommand(model: string, bucket: string): string {
  const folder = model === "demo" ? "models/demo" : `FOLDER --as ${model}`;
  return `npm run models -- push ${folder} --store s3://${bucket}`;
}
