import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { promisify } from "node:util";
import { App, Stack, Validations } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { AwsSolutionsChecks } from "cdk-nag";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { parseDeployment } from "../../infra/config.ts";
import { CPU_BASE, CUDA_BASE } from "../../infra/image/bases.ts";
import { imageSources } from "../../infra/image/context.ts";
import { GpuImage } from "../../infra/image/gpu-image.ts";
import { ACCOUNT } from "./deployment.ts";
import { permissionsOf } from "./policies.ts";

const env = { account: ACCOUNT, region: "eu-central-1" };

const outdir = mkdtempSync(join(tmpdir(), "adareel-image-"));
afterAll(() => rmSync(outdir, { recursive: true }));

/** Creates a stack with the image and a role that may pull it; cached. */
function imageOf(options: Readonly<Record<string, string>> = {}): Made {
  const name = JSON.stringify(options);
  const known = made.get(name);
  if (known) return known;
  const app = new App({ outdir: join(outdir, String(made.size)) });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const stack = new Stack(app, "gpu", { env });
  const config = parseDeployment({ ...env, ...options }, {});
  const image = new GpuImage(stack, "Image", { config });
  const role = new Role(stack, "Puller", { assumedBy: new ServicePrincipal("sagemaker.amazonaws.com") });
  image.grantPull(role);
  const deployment = { app, stack, image, template: Template.fromStack(stack) };
  made.set(name, deployment);
  return deployment;
}

interface Made {
  readonly app: App;
  readonly stack: Stack;
  readonly image: GpuImage;
  readonly template: Template;
}

/** Created stacks by their options, because each takes a while. */
const made = new Map<string, Made>();

const pulls = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

describe("an image that is there already", () => {
  const uri = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/adareel:v1";

  it("an existing image is used as it is, and read from its own repository only", () => {
    const { image, template } = imageOf({ imageUri: uri });
    expect([image.uri, image.fingerprint]).toEqual([uri, uri]);
    const repository = "arn:aws:ecr:eu-west-1:210987654321:repository/team/adareel";
    expect(permissionsOf(template, "Puller")).toEqual(
      [...pulls.map((action) => `${action} ${repository}`), "ecr:GetAuthorizationToken *"].sort(),
    );
    template.resourceCountIs("AWS::CodeBuild::Project", 0);
  });
});

describe("an image that Docker builds here", () => {
  interface Source {
    readonly directory: string;
    readonly dockerBuildArgs: Readonly<Record<string, string>>;
  }

  /** Returns the build settings in the asset manifest. */
  function sourceOf(options?: Readonly<Record<string, string>>) {
    const { directory } = imageOf(options).app.synth();
    const { dockerImages } = JSON.parse(readFileSync(join(directory, "gpu.assets.json"), "utf8"));
    const [{ source }] = Object.values(dockerImages) as [{ source: Source }];
    return { ...source, folder: join(directory, source.directory) };
  }

  it("a Docker image is for CUDA, or for a CPU where the instances have no GPU", () => {
    expect(sourceOf()).toMatchObject({
      dockerFile: "functions/gpu/Dockerfile",
      platform: "linux/amd64",
      dockerBuildArgs: { PROVIDER: "cuda", BASE: CUDA_BASE },
    });
    expect(sourceOf({ instanceTypes: "ml.m5.xlarge" }).dockerBuildArgs).toEqual({
      PROVIDER: "cpu",
      BASE: CPU_BASE,
    });
  });

  it("a Docker image contains only what the function needs", () => {
    const { folder } = sourceOf();
    const found = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const roots = found.filter((path) => !/^(functions\/gpu|lib|models\/demo)\//.test(path)).sort();
    expect(roots).toEqual([
      ".dockerignore",
      ".npmrc",
      "functions",
      "functions/gpu",
      "lib",
      "models",
      "models/demo",
      "package-lock.json",
      "package.json",
    ]);
    const files = found.filter((path) => statSync(join(folder, path)).isFile());
    const sources = files.filter((path) => /^(functions|lib)\//.test(path)).sort();
    expect(sources).toEqual(imageSources(process.cwd()));
    expect(sources).toEqual(expect.arrayContaining(["functions/gpu/serve.ts", "functions/gpu/Dockerfile"]));
    // Of what the programs do not read, a change makes no other image.
    expect(sources).not.toContain("lib/service/webhooks/send.ts");
    expect(found.filter((path) => /training|README/.test(path))).toEqual([]);
  });

  it("a Docker image is read from the repository of the account's CDK", () => {
    const repository = `repository/cdk-hnb659fds-container-assets-${ACCOUNT}-eu-central-1`;
    const permissions = permissionsOf(imageOf().template, "Puller");
    expect(permissions).toHaveLength(4);
    expect(permissions.filter((line) => line.includes(repository))).toHaveLength(3);
  });

  it("a Docker image has a fingerprint that changes exactly when its sources do", () => {
    const fingerprint = (options: Readonly<Record<string, string>> = {}) =>
      imageOf(options).image.fingerprint;
    expect(fingerprint()).toMatch(/^[0-9a-f]{64}$/);
    expect(fingerprint({ idleMinutes: "9" })).toBe(fingerprint());
    expect(fingerprint({ instanceTypes: "ml.m5.xlarge" })).not.toBe(fingerprint());
  });
});

describe("an image that CodeBuild makes", () => {
  const build = { build: "codebuild" };

  it("a CodeBuild image is awaited, and tagged after its sources", () => {
    const { image, stack, template } = imageOf(build);
    expect(image.fingerprint).toMatch(/^[0-9a-f]{32}$/);
    expect(stack.resolve(image.uri)).toEqual({ "Fn::GetAtt": ["ImageBuildImage4E3B3593", "Uri"] });
    const [resource] = Object.values(template.findResources("AWS::CloudFormation::CustomResource"));
    expect(JSON.stringify(resource!.Properties.image)).toContain(`:${image.fingerprint}"`);
    expect(resource!.DependsOn).toEqual([
      expect.stringMatching(/^ImageBuildBuildRoleDefaultPolicy/),
      expect.stringMatching(/^ImageBuildBuildRole/),
    ]);
    expect(imageOf({ ...build, instanceTypes: "ml.m5.xlarge" }).image.fingerprint).not.toBe(
      image.fingerprint,
    );
    expect(imageOf({ ...build, idleMinutes: "9" }).image.fingerprint).toBe(image.fingerprint);
  });

  it("a CodeBuild image is built by Docker from the Dockerfile, and one tag is one image", () => {
    const { template } = imageOf(build);
    template.hasResourceProperties("AWS::CodeBuild::Project", {
      Environment: {
        PrivilegedMode: true,
        EnvironmentVariables: Match.arrayWith([
          {
            Name: "BUILD_ARGUMENTS",
            Type: "PLAINTEXT",
            Value: Match.stringLikeRegexp(
              "^--build-arg PROVIDER=cuda --build-arg BASE=nvcr.io/nvidia/cuda:12.9",
            ),
          },
        ]),
      },
      TimeoutInMinutes: 50,
    });
    template.hasResource("AWS::ECR::Repository", {
      Properties: { ImageTagMutability: "IMMUTABLE", EmptyOnDelete: true },
      DeletionPolicy: "Delete",
    });
  });

  it("a CodeBuild image gives every role what it needs", () => {
    const { template } = imageOf(build);
    expect(permissionsOf(template, "ImageBuildStartRole")).toEqual([
      "codebuild:StartBuild ImageBuildProject",
      "logs:CreateLogStream ImageBuildStartLog",
      "logs:PutLogEvents ImageBuildStartLog",
    ]);
    const builder = permissionsOf(template, "ImageBuildBuildRole").map((line) => line.split(" ")[0]);
    expect(builder.filter((action) => !action!.startsWith("ecr:"))).toEqual([
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "s3:GetBucketAcl",
      "s3:GetBucketLocation",
      "s3:GetObject",
      "s3:GetObjectVersion",
    ]);
    expect(permissionsOf(template, "Puller")).toEqual(
      [...pulls.map((action) => `${action} ImageBuildRepository`), "ecr:GetAuthorizationToken *"].sort(),
    );
  });

  it("a CodeBuild image passes cdk-nag", () => {
    expect(() => imageOf(build).app.synth()).not.toThrow();
  });

  describe("the custom resource", () => {
    const image = `${ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/repository:tag`;

    /** Creates a CloudFormation request, with a URL that waits for the response. */
    async function question(RequestType: string) {
      const answers: Record<string, unknown>[] = [];
      const server = createServer(async (request, response) => {
        answers.push({ method: request.method, ...((await json(request)) as object) });
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void server.close());
      const ResponseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?a=b&c='d'`;
      const ids = { StackId: "stack", RequestId: "request", LogicalResourceId: "Image" };
      const ResourceProperties = { project: "project", source: "bucket/key.zip", image };
      return { answers, event: { RequestType, ResponseURL, ResourceProperties, ...ids } };
    }

    type Build = { environmentVariablesOverride: { name: string; value: string }[] };

    /** Calls the function with a stub of CodeBuild. */
    async function start(event: object, startBuild: (build: Build) => Promise<void>): Promise<void> {
      const [resource] = Object.values(imageOf(build).template.findResources("AWS::Lambda::Function"));
      const module = { handler: async (_: object): Promise<unknown> => undefined };
      const sdk = {
        CodeBuild: class {
          startBuild = startBuild;
        },
      };
      new Function("exports", "require", resource!.Properties.Code.ZipFile)(module, () => sdk);
      await module.handler(event);
    }

    /** Runs the commands of a build phase, as CodeBuild does. */
    async function run(phase: string, variables: NodeJS.ProcessEnv): Promise<void> {
      const [project] = Object.values(imageOf(build).template.findResources("AWS::CodeBuild::Project"));
      const { commands } = JSON.parse(project!.Properties.Source.BuildSpec).phases[phase];
      const options = { env: { PATH: process.env.PATH!, ...variables } };
      await promisify(execFile)("sh", ["-ec", commands.join("\n")], options);
    }

    it.each([
      ["1", { Status: "SUCCESS", Data: { Uri: image } }],
      ["0", { Status: "FAILED", Reason: expect.stringMatching(/^The image could not be built: .*project/) }],
    ])(
      "the build answers CloudFormation, with CODEBUILD_BUILD_SUCCEEDING=%s",
      async (CODEBUILD_BUILD_SUCCEEDING, outcome) => {
        const { answers, event } = await question("Update");
        const builds: Build[] = [];
        await start(event, async (build) => void builds.push(build));
        expect(builds).toMatchObject([{ projectName: "project", sourceLocationOverride: "bucket/key.zip" }]);
        expect(answers).toEqual([]);
        const variables = builds[0]!.environmentVariablesOverride.map(({ name, value }) => [name, value]);
        await run("post_build", { CODEBUILD_BUILD_SUCCEEDING, ...Object.fromEntries(variables) });
        const ids = { StackId: "stack", RequestId: "request", LogicalResourceId: "Image" };
        expect(answers).toEqual([{ method: "PUT", ...ids, PhysicalResourceId: image, ...outcome }]);
      },
    );

    it("a build that cannot begin, and a deletion, are answered at once", async () => {
      const { answers, event } = await question("Create");
      await start(event, () => Promise.reject(new Error("no capacity")));
      const Reason = "The build of the image did not begin: no capacity";
      expect(answers).toMatchObject([{ Status: "FAILED", Reason }]);
      const deletion = await question("Delete");
      await start(deletion.event, () => Promise.reject(new Error("not asked")));
      expect(deletion.answers).toMatchObject([{ Status: "SUCCESS", PhysicalResourceId: image }]);
    });
  });
});
