import { fileURLToPath } from "node:url";
import { type Duration, RemovalPolicy } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Runtime } from "aws-cdk-lib/aws-lambda";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { LogLevel, NodejsFunction, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { DeployedVariables } from "../lib/shared/variables.ts";
import type { HintQueue } from "./hint-queue.ts";

/** The small functions by their folders in `functions/`. */
export type JobFunctionName = "dispatch" | "settle" | "webhook" | "sweep";

/** Environment variables that all of them need. */
export type PlaceVariables = Pick<
  DeployedVariables<JobFunctionName>,
  "STORE" | "WORK_QUEUE_URL" | "WEBHOOKS_QUEUE_URL"
>;

export interface JobFunctionProps<Name extends JobFunctionName> {
  /** Folder of `functions/` whose `handler.ts` it runs. */
  readonly folder: Name;
  readonly timeout: Duration;
  readonly environment: DeployedVariables<Name>;
}

export interface ConsumeOptions {
  /** Maximum number of concurrent runs, at least 2. All functions together fit into the 10 that a new account has. */
  readonly concurrencyMax: number;
  /** Number of messages that a run receives at most; 10 by default. */
  readonly batchSize?: number;
}

const MEMORY_MIB = 512;

/** Defines `require` in the ES module: CommonJS packages use it to load Node's modules. */
const BANNER = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

/** Small Lambda function with its own role and log. */
export class JobFunction<Name extends JobFunctionName = JobFunctionName> extends Construct {
  readonly lambda: NodejsFunction;
  readonly role: Role;
  readonly logGroupName: string;

  constructor(scope: Construct, id: string, { folder, timeout, environment }: JobFunctionProps<Name>) {
    super(scope, id);
    const logGroup = new LogGroup(this, "Log", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // A role created here has no AWSLambdaBasicExecutionRole, which may write every log.
    this.role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(this.role);
    this.logGroupName = logGroup.logGroupName;
    this.lambda = new NodejsFunction(this, "Function", {
      entry: fileURLToPath(new URL(`../functions/${folder}/handler.ts`, import.meta.url)),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: MEMORY_MIB,
      timeout,
      environment: { ...environment },
      role: this.role,
      logGroup,
      bundling: {
        format: OutputFormat.ESM,
        mainFields: ["module", "main"],
        banner: BANNER,
        // Bundles the AWS SDK that was tested, instead of the version that Lambda provides.
        externalModules: [],
        logLevel: LogLevel.WARNING,
      },
    });
  }

  /** Subscribes the function to a queue. It reports the messages that failed, so that only they are retried. */
  consume({ queue }: HintQueue, { concurrencyMax, batchSize = 10 }: ConsumeOptions): void {
    this.lambda.addEventSource(
      new SqsEventSource(queue, {
        batchSize,
        reportBatchItemFailures: true,
        maxConcurrency: concurrencyMax,
      }),
    );
  }
}
