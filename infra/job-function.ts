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

/** Environment that all of them are given. */
export type PlaceVariables = Pick<
  DeployedVariables<JobFunctionName>,
  "STORE" | "WORK_QUEUE_URL" | "WEBHOOKS_QUEUE_URL"
>;

export interface JobFunctionProps<Name extends JobFunctionName> {
  /** The folder of `functions/` whose `handler.ts` it runs. */
  readonly folder: Name;
  readonly timeout: Duration;
  readonly environment: DeployedVariables<Name>;
}

export interface ConsumeOptions {
  /** Runs at once, from 2. Those of all functions fit into the ten that a new account has. */
  readonly concurrencyMax: number;
}

const MEMORY_MIB = 512;
const BATCH_SIZE = 10;

/** Packages in CommonJS ask for Node's own modules by `require`, which a module of ECMAScript has to make. */
const BANNER = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

/** One of the small functions, with a role and a log of its own. */
export class JobFunction<Name extends JobFunctionName = JobFunctionName> extends Construct {
  readonly lambda: NodejsFunction;
  readonly role: Role;

  constructor(scope: Construct, id: string, { folder, timeout, environment }: JobFunctionProps<Name>) {
    super(scope, id);
    const logGroup = new LogGroup(this, "Log", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Given by hand, it comes without AWSLambdaBasicExecutionRole, which may write every log.
    this.role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(this.role);
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
        // The SDK that was tested, and not the one of the day that Lambda has.
        externalModules: [],
        logLevel: LogLevel.WARNING,
      },
    });
  }

  /** Is called with the messages of a queue, and says which of them failed. */
  consume({ queue }: HintQueue, { concurrencyMax }: ConsumeOptions): void {
    this.lambda.addEventSource(
      new SqsEventSource(queue, {
        batchSize: BATCH_SIZE,
        reportBatchItemFailures: true,
        maxConcurrency: concurrencyMax,
      }),
    );
  }
}
