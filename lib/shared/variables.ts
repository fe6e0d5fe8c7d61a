/**
 * Programs that read environment variables: the small functions and the GPU function by the names of their folders,
 * `npm start` as `local`, and `sdk` for the AWS SDK inside any of them.
 */
export type Reader = "dispatch" | "settle" | "sweep" | "webhook" | "gpu" | "local" | "sdk";

/**
 * Setters of a variable: the templates of a deployment (`deployment`; `some deployments` where a setting decides),
 * `npm start` for its GPU process, people, or the platform that runs the container.
 */
export type Setter = "deployment" | "some deployments" | "npm start" | "people" | "platform";

export interface Variable {
  readonly what: string;
  readonly readBy: readonly Reader[];
  readonly setBy: readonly Setter[];
}

const QUEUE_FUNCTIONS = ["dispatch", "settle", "sweep", "webhook"] as const;

/**
 * List of all environment variables of the service's programs. The schemas that read them (`environmentOf`) and the
 * templates that set them (`DeployedVariables`) are typed by it, so a misspelt name on either side does not compile.
 */
export const VARIABLES = {
  STORE: {
    what: "s3://bucket/prefix or file:///folder, where the jobs are",
    readBy: [...QUEUE_FUNCTIONS, "gpu", "local"],
    setBy: ["deployment", "npm start", "people"],
  },
  WORK_QUEUE_URL: {
    what: "queue of the dispatch function",
    readBy: QUEUE_FUNCTIONS,
    setBy: ["deployment"],
  },
  WEBHOOKS_QUEUE_URL: {
    what: "queue of jobs whose webhooks the webhook function plans",
    readBy: QUEUE_FUNCTIONS,
    setBy: ["deployment"],
  },
  SENDS_QUEUE_URL: {
    what: "FIFO queue of receivers that the webhook function sends to",
    readBy: ["webhook"],
    setBy: ["deployment"],
  },
  ENDPOINT_NAME: {
    what: "SageMaker endpoint that jobs are submitted to",
    readBy: ["dispatch", "sweep"],
    setBy: ["some deployments"],
  },
  RUNS_QUEUE_URL: {
    what: "SQS queue that jobs are submitted to, in place of an endpoint, and that pulling workers take turns from",
    readBy: ["dispatch", "sweep", "gpu"],
    setBy: ["some deployments", "people"],
  },
  ECS_AGENT_URI: {
    what: "agent of Amazon ECS beside the container, which protects the task while a job runs",
    readBy: ["gpu"],
    setBy: ["platform"],
  },
  DEPLOYMENT: {
    what: "name of the deployment, a dimension of its metric",
    readBy: ["sweep"],
    setBy: ["deployment"],
  },
  MASTER_SECRET_ID: {
    what: "name of the secret that the master key is made from",
    readBy: ["webhook"],
    setBy: ["deployment"],
  },
  BLOCKED_HOSTS: {
    what: "names of the service itself, with commas between them; no webhook goes there",
    readBy: ["webhook"],
    setBy: ["some deployments"],
  },
  AWS_REGION: {
    what: "region of the bucket; Lambda sets it itself",
    readBy: ["sdk"],
    setBy: ["deployment", "platform", "people"],
  },
  MODEL_URI: {
    what: "s3://bucket/models/<name>/, the model of the GPU function",
    readBy: ["gpu"],
    setBy: ["deployment", "people"],
  },
  MODELS: {
    what: "models, by folder and for npm start also by name, separated as in PATH",
    readBy: ["gpu", "local"],
    setBy: ["npm start", "people"],
  },
  MODEL_CACHE: {
    what: "folder that models are downloaded to",
    readBy: ["gpu"],
    setBy: ["people"],
  },
  PROVIDER: {
    what: "execution provider: cpu, cuda, webgpu, or auto for the first of cuda, webgpu and cpu that works",
    readBy: ["gpu", "local"],
    setBy: ["deployment", "people", "platform"],
  },
  PRECISION: {
    what: "float32, float16 or int8, in which the transformer's blocks multiply",
    readBy: ["gpu"],
    setBy: ["people"],
  },
  GPU_MEMORY_GIB: {
    what: "memory of the GPU, by which parts of a model stay open or are released; 0 if it is not known",
    readBy: ["gpu"],
    setBy: ["deployment", "people"],
  },
  VARIANT: {
    what: "variant of the models' weights to prefer, such as fp16",
    readBy: ["gpu"],
    setBy: ["people"],
  },
  THREADS: {
    what: "threads inside one operator",
    readBy: ["gpu", "local"],
    setBy: ["npm start", "people"],
  },
  AUDIT_SHARE: {
    what: "share of jobs whose reused steps are audited, 0 to 1",
    readBy: ["gpu"],
    setBy: ["people"],
  },
  PROVENANCE: {
    what: "signed (the default), required, mark or off: how videos say where they come from",
    readBy: ["gpu", "local"],
    setBy: ["some deployments", "npm start", "people"],
  },
  PROVENANCE_CERTIFICATE: {
    what: "certificate that videos are signed with, the signer's first: PEM, or the path of a PEM file",
    readBy: ["gpu", "local"],
    setBy: ["npm start", "people"],
  },
  PROVENANCE_KEY: {
    what: "private key of that certificate: PEM, or the path of a PEM file",
    readBy: ["gpu", "local"],
    setBy: ["npm start", "people"],
  },
  PROVENANCE_SECRET_ID: {
    what: "name of a secret in AWS Secrets Manager that holds certificate and key, in place of both",
    readBy: ["gpu"],
    setBy: ["some deployments", "people"],
  },
  STALL_MS: {
    what: "how long a model may show no progress before its process is killed",
    readBy: ["gpu"],
    setBy: ["people"],
  },
  MAX_RUN_MS: {
    what: "how long a job may run",
    readBy: ["gpu"],
    setBy: ["deployment", "people"],
  },
  STOP_GRACE_MS: {
    what: "how long a running job may go on after SIGTERM, or Ctrl-C of npm start, before it is handed back",
    readBy: ["gpu", "local"],
    setBy: ["some deployments", "npm start", "people"],
  },
  PULL_PAUSE_MS: {
    what: "longest pause between two looks of a pulling worker into a store without work",
    readBy: ["gpu"],
    setBy: ["people"],
  },
  LEASE_MS: {
    what: "how long a job waits for a worker that has gone silent",
    readBy: ["gpu", "local"],
    setBy: ["npm start", "people"],
  },
  PROGRESS_INTERVAL_MS: {
    what: "least time between two writes of progress",
    readBy: ["gpu"],
    setBy: ["npm start", "people"],
  },
  PORT: {
    what: "port to listen on; 0 lets the system choose",
    readBy: ["gpu", "local"],
    setBy: ["npm start", "people"],
  },
  SAGEMAKER_BIND_TO_PORT: {
    what: "port that SageMaker reaches the container by",
    readBy: ["gpu"],
    setBy: ["platform"],
  },
  HOST: {
    what: "address to listen on",
    readBy: ["gpu", "local"],
    setBy: ["some deployments", "npm start", "people"],
  },
  PUBLIC_URL: {
    what: "beginning of signed URLs, where clients know the service by another name",
    readBy: ["local"],
    setBy: ["people"],
  },
  WORKERS: {
    what: "GPU processes that make videos, one job each; none leaves that to other machines",
    readBy: ["local"],
    setBy: ["people"],
  },
  CUDA_VISIBLE_DEVICES: {
    what: "GPUs with commas between them, of which each worker of npm start gets one",
    readBy: ["gpu", "local"],
    setBy: ["npm start", "people"],
  },
  DATA_DIR: {
    what: "folder of jobs, videos and keys",
    readBy: ["local"],
    setBy: ["people"],
  },
  ALLOW_LOOPBACK_WEBHOOKS: {
    what: "1 lets webhooks go to this machine",
    readBy: ["local"],
    setBy: ["people"],
  },
  NEW_MASTER_KEY: {
    what: "1 goes on without the master key that a store was used with",
    readBy: ["local"],
    setBy: ["people"],
  },
  UNFINISHED_MAX: {
    what: "queued and running videos of one API key, at most",
    readBy: ["local"],
    setBy: ["people"],
  },
  RETENTION_DAYS: {
    what: "days that videos are kept",
    readBy: ["local"],
    setBy: ["people"],
  },
  PRICE_PER_HOUR: {
    what: "US dollars that this machine costs an hour, for quotes and the limits of keys; unset, they have no price",
    readBy: ["local"],
    setBy: ["people"],
  },
  LOG_FORMAT: {
    what: "text or json; by default text on a terminal, else json",
    readBy: ["local"],
    setBy: ["people"],
  },
  LOG_LEVEL: {
    what: "least level that is logged: trace, debug, info, warn, error, fatal or silent",
    readBy: [...QUEUE_FUNCTIONS, "gpu", "local"],
    setBy: ["npm start", "people"],
  },
} as const satisfies Readonly<Record<string, Variable>>;

type List = typeof VARIABLES;

/** Variables that a program reads. */
export type VariableOf<R extends Reader> = {
  [Name in keyof List]: R extends List[Name]["readBy"][number] ? Name : never;
}[keyof List];

type SetBy<S extends Setter> = {
  [Name in keyof List]: S extends List[Name]["setBy"][number] ? Name : never;
}[keyof List];

type Environment<Always extends string, Sometimes extends string> = Readonly<Record<Always, string>> & {
  readonly [Name in Sometimes]?: string;
};

/** Environment that a deployment's templates give to programs: all variables that they read and a deployment sets. */
export type DeployedVariables<R extends Reader> = Environment<
  VariableOf<R> & SetBy<"deployment">,
  VariableOf<R> & SetBy<"some deployments">
>;

/** Environment that `npm start` gives to its GPU process. */
export type LocalGpuVariables = Environment<VariableOf<"gpu"> & SetBy<"npm start">, never>;
