import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CustomResource, Duration, IgnoreMode, RemovalPolicy, Validations } from "aws-cdk-lib";
import { BuildSpec, ComputeType, LinuxBuildImage, Project, Source } from "aws-cdk-lib/aws-codebuild";
import { Repository, TagMutability } from "aws-cdk-lib/aws-ecr";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Code, Function as Lambda, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";

export interface ImageBuildProps {
  /** Build context, filtered by its `.dockerignore` and then by `exclude`. */
  readonly directory: string;
  readonly exclude: readonly string[];
  /** Path of the Dockerfile inside the directory. */
  readonly dockerfile: string;
  readonly buildArguments: Readonly<Record<string, string>>;
}

/** Maximum time of a build; CloudFormation waits for an hour at most. */
const BUILD_MINUTES_MAX = 50;
/** Number of images kept. Older images belong to versions that are no longer used. */
const IMAGES_KEPT = 5;

/** Build steps. The build itself reports its end to CloudFormation, so that nothing has to poll it. */
const BUILD_SPEC = {
  version: "0.2",
  phases: {
    build: {
      commands: [
        'aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"',
        // Tags are immutable: an earlier version finds its image here.
        'if docker manifest inspect "$IMAGE" > /dev/null 2>&1; then exit 0; fi',
        'docker build --platform linux/amd64 --file "$DOCKERFILE" $BUILD_ARGUMENTS --tag "$IMAGE" .',
        'docker push --quiet "$IMAGE"',
      ],
    },
    post_build: {
      commands: [
        'if [ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ]; then answer="$ON_SUCCESS"; else answer="$ON_FAILURE"; fi',
        `printf %s "$answer" | curl --fail --silent --show-error --retry 5 --request PUT \
--header "Content-Type:" --data-binary @- "$RESPONSE_URL"`,
      ],
    },
  },
};

/**
 * Lambda that starts a build for each new set of properties. Deletion does nothing: the repository deletes
 * its images.
 */
const START_BUILD = `
const { CodeBuild } = require("@aws-sdk/client-codebuild");

exports.handler = async ({ RequestType, ResponseURL, ResourceProperties, ...event }) => {
  const { project, source, image } = ResourceProperties;
  const { StackId, RequestId, LogicalResourceId } = event;
  const answer = { StackId, RequestId, LogicalResourceId, PhysicalResourceId: image };
  const success = JSON.stringify({ ...answer, Status: "SUCCESS", Data: { Uri: image } });
  const failure = (Reason) => JSON.stringify({ ...answer, Status: "FAILED", Reason });
  const respond = (body) => fetch(ResponseURL, { method: "PUT", body, headers: { "content-type": "" } });
  if (RequestType === "Delete") return respond(success);
  const variables = {
    IMAGE: image,
    REGISTRY: image.split("/")[0],
    RESPONSE_URL: ResponseURL,
    ON_SUCCESS: success,
    ON_FAILURE: failure("The image could not be built: the log of the last build of " + project + " says why."),
  };
  try {
    await new CodeBuild().startBuild({
      projectName: project,
      sourceLocationOverride: source,
      environmentVariablesOverride: Object.entries(variables).map(([name, value]) => ({ name, value })),
    });
  } catch (error) {
    await respond(failure("The build of the image did not begin: " + error.message));
  }
};
`;

/** Container image that CodeBuild builds in the account during deployment, once for each version of its inputs. */
export class ImageBuild extends Construct {
  /** URI of the image; known once it is built. */
  readonly uri: string;
  readonly fingerprint: string;
  readonly repository: Repository;

  constructor(
    scope: Construct,
    id: string,
    { directory, exclude, dockerfile, buildArguments }: ImageBuildProps,
  ) {
    super(scope, id);
    const source = new Asset(this, "Source", {
      path: directory,
      exclude: [...readFileSync(join(directory, ".dockerignore"), "utf8").split("\n"), ...exclude],
      ignoreMode: IgnoreMode.DOCKER,
    });
    const inputs = JSON.stringify([source.assetHash, dockerfile, buildArguments]);
    this.fingerprint = createHash("sha256").update(inputs).digest("hex").slice(0, 32);
    this.repository = new Repository(this, "Repository", {
      imageScanOnPush: true,
      imageTagMutability: TagMutability.IMMUTABLE,
      lifecycleRules: [{ maxImageCount: IMAGES_KEPT }],
      emptyOnDelete: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "BuildRole", { assumedBy: new ServicePrincipal("codebuild.amazonaws.com") });
    const project = this.project(source, role, {
      DOCKERFILE: dockerfile,
      BUILD_ARGUMENTS: Object.entries(buildArguments)
        .map(([name, value]) => `--build-arg ${name}=${value}`)
        .join(" "),
    });
    const build = new CustomResource(this, "Image", {
      serviceToken: this.starter(project).functionArn,
      properties: {
        project: project.projectName,
        source: `${source.s3BucketName}/${source.s3ObjectKey}`,
        image: `${this.repository.repositoryUri}:${this.fingerprint}`,
      },
    });
    // The role's policy is a separate resource. Without this dependency the build could start before it exists.
    build.node.addDependency(role);
    this.uri = build.getAttString("Uri");
  }

  private project(source: Asset, role: Role, variables: Readonly<Record<string, string>>): Project {
    const logGroup = this.logGroup("BuildLog");
    logGroup.grantWrite(role);
    this.repository.grantPullPush(role);
    const { bucketArn } = source.bucket;
    allow(role, ["s3:GetBucketAcl", "s3:GetBucketLocation"], bucketArn);
    allow(role, ["s3:GetObject", "s3:GetObjectVersion"], `${bucketArn}/${source.s3ObjectKey}`);
    Validations.of(role).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "ecr:GetAuthorizationToken knows no resources; layers go to one repository.",
    });
    const project = new Project(this, "Project", {
      // The CDK's own grants would allow reading more of the bucket and writing other logs.
      role: role.withoutPolicyUpdates(),
      source: Source.s3({ bucket: source.bucket, path: source.s3ObjectKey }),
      buildSpec: BuildSpec.fromObject(BUILD_SPEC),
      environment: {
        buildImage: LinuxBuildImage.STANDARD_7_0,
        computeType: ComputeType.MEDIUM,
        privileged: true,
        environmentVariables: Object.fromEntries(
          Object.entries(variables).map(([name, value]) => [name, { value }]),
        ),
      },
      timeout: Duration.minutes(BUILD_MINUTES_MAX),
      logging: { cloudWatch: { logGroup } },
      grantReportGroupPermissions: false,
    });
    Validations.of(project).acknowledge(
      {
        id: "AwsSolutions-CB3",
        reason: "Docker needs it to build images; nothing but this repository's Dockerfile runs there.",
      },
      {
        id: "AwsSolutions-CB4",
        reason: "What is built goes to a registry; there are no artifacts for a key of one's own to protect.",
      },
    );
    return project;
  }

  private starter(project: Project): Lambda {
    const logGroup = this.logGroup("StartLog");
    const role = new Role(this, "StartRole", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(role);
    allow(role, ["codebuild:StartBuild"], project.projectArn);
    return new Lambda(this, "Start", {
      runtime: Runtime.NODEJS_24_X,
      handler: "index.handler",
      code: Code.fromInline(START_BUILD),
      timeout: Duration.seconds(30),
      role,
      logGroup,
    });
  }

  private logGroup(id: string): LogGroup {
    return new LogGroup(this, id, {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

function allow(role: Role, actions: string[], resource: string): void {
  role.addToPolicy(new PolicyStatement({ actions, resources: [resource] }));
}
