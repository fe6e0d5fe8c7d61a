import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createMetrics } from "../../functions/local/metrics.ts";
import { VARIABLES, type Variable } from "../../lib/shared/variables.ts";
import { composeServices, containerOf, type Manifest, manifestsOf, platforms, textOf } from "./manifests.ts";

const readers = { api: ["local", "sdk"], worker: ["gpu", "sdk"] } as const;
/** Variables of the AWS SDK and of Node that the list of the repository's own does not have. */
const others = /^(AWS_\w+|TMPDIR)$/;

/** Time for a worker to hand back a video that did not end in its grace period. */
const RELEASE_MS = 60_000;

it.each(platforms())("the manifests of %s set only variables that the program reads", (_, api, worker) => {
  for (const [role, { env }] of Object.entries({ api, worker }))
    for (const name of Object.keys(env).filter((each) => !others.test(each))) {
      const variable: Variable | undefined = VARIABLES[name as keyof typeof VARIABLES];
      expect(variable?.readBy ?? [], name).toSatisfy(
        (by: string[]) =>
          readers[role as keyof typeof readers].some((reader) => by.includes(reader)) || name === "STORE",
      );
    }
});

it.each(platforms())(
  "the API of %s makes no videos beside its workers, which pull theirs",
  (_, api, worker) => {
    expect(api.env.WORKERS).toBe("none");
    expect(worker.args.at(-1)).toBe("pull");
  },
);

it("the gateway has one version on both platforms, which does not change by itself", () => {
  const images = [
    composeServices().gateway.image,
    ...podOf("gateway/gateway.yaml").initContainers.map(({ image }: Manifest) => image),
    ...podOf("gateway/gateway.yaml").containers.map(({ image }: Manifest) => image),
  ];
  expect(new Set(images).size).toBe(1);
  expect(images[0]).toMatch(/:v\d+\.\d+\.\d+$/);
});

describe("the manifests for Kubernetes", () => {
  const files = ["api.yaml", "workers.yaml", "gateway/gateway.yaml"];
  const services = files.flatMap((file) => objectsOf("Service", file));
  const workers = podOf("workers.yaml");
  const [worker] = workers.containers;

  it("a pod has an hour, of which the last minute is for handing a video back, and its worker is told so", () => {
    const { terminationGracePeriodSeconds: seconds } = workers;
    const { STOP_GRACE_MS } = containerOf("adareel-workers", "workers.yaml").env;
    expect(seconds).toBe(3600);
    expect(seconds * 1000 - Number(STOP_GRACE_MS)).toBe(RELEASE_MS);
  });

  it("the number of workers follows a metric that the API has, at the address that the Service has", async () => {
    const [{ spec }] = manifestsOf("keda/scaled-object.yaml");
    const { url, format, valueLocation } = spec.triggers[0].metadata;
    const metrics = createMetrics();
    const none = { undelivered: 0, resent: 0, lost: 0, expired: 0, orphaned: 0, failed: 0 };
    metrics.observeSweep({ queued: 2, running: 3, ...none });
    expect([format, await metrics.render()]).toEqual([
      "prometheus",
      expect.stringContaining(`\n${valueLocation} 5\n`),
    ]);
    const [service] = manifestsOf("api.yaml");
    const [{ namespace }] = manifestsOf("kustomization.yaml");
    const { hostname, port, pathname } = new URL(url);
    expect([hostname, Number(port), pathname]).toEqual([
      `${service.metadata.name}.${namespace}`,
      service.spec.ports[0].port,
      "/metrics",
    ]);
    expect(spec.scaleTargetRef.name).toBe(manifestsOf("workers.yaml")[0].metadata.name);
  });

  it("a waiting video has a worker of its own, of eight at most, and idle ones go after ten minutes", () => {
    const [{ spec }] = manifestsOf("keda/scaled-object.yaml");
    expect(spec).toMatchObject({ minReplicaCount: 0, maxReplicaCount: 8, cooldownPeriod: 600 });
    expect(spec.triggers).toHaveLength(1);
    expect(spec.triggers[0].metadata).toMatchObject({ targetValue: "1" });
    expect(Number(spec.triggers[0].metadata.activationTargetValue ?? 0)).toBe(0);
  });

  it("API, workers and gateway name one bucket, one endpoint and one Secret, which no manifest holds", () => {
    const [settings] = manifestsOf("settings.yaml");
    const [, service, gateway] = manifestsOf("gateway/gateway.yaml");
    const { STORE, AWS_ENDPOINT_URL_S3: endpoint } = settings.data;
    expect(endpoint).toBe(`http://${service.metadata.name}:${service.spec.ports[0].port}`);
    const { initContainers, containers } = gateway.spec.template.spec;
    expect(initContainers[0].command.at(-1)).toBe(`/files/${new URL(STORE).host}`);
    const secrets = containers[0].env.map(
      ({ valueFrom }: { valueFrom: { secretKeyRef: { name: string } } }) => valueFrom.secretKeyRef.name,
    );
    expect(new Set(secrets)).toEqual(new Set(["adareel-s3"]));
    for (const file of ["api.yaml", "workers.yaml"])
      expect(podOf(file).containers[0].envFrom).toEqual([
        { configMapRef: { name: settings.metadata.name } },
        { secretRef: { name: "adareel-s3" } },
      ]);
    expect(Object.keys(settings.data).filter((name) => /SECRET|KEY|TOKEN|PASSWORD/.test(name))).toEqual([]);
  });

  it.each(files)("the pods of %s are no root, write to volumes alone, and cannot ask the cluster", (file) => {
    const pod = podOf(file);
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true },
    });
    for (const { name, securityContext } of [...(pod.initContainers ?? []), ...pod.containers])
      expect([name, securityContext]).toEqual([
        name,
        {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
      ]);
  });

  it("nothing is reached from outside the cluster, and a Service reaches the pods of its own name", () => {
    expect(services).toHaveLength(2);
    for (const { metadata, spec } of services) {
      expect(spec.type ?? "ClusterIP").toBe("ClusterIP");
      expect(spec.selector).toEqual({ app: metadata.name });
      const file = files.find((each) => objectsOf("Deployment", each)[0].metadata.name === metadata.name)!;
      expect(objectsOf("Deployment", file)[0].spec.template.metadata.labels).toEqual({ app: metadata.name });
      const ports = podOf(file).containers[0].ports.map(({ name }: Manifest) => name);
      expect(ports).toContain(spec.ports[0].targetPort);
    }
  });

  it.each([
    ["api.yaml", "/healthz", 3000],
    ["workers.yaml", "/ping", 8080],
  ])("the container of %s is asked whether it is well by %s at its own port", (file, path, port) => {
    const [{ startupProbe, livenessProbe, readinessProbe, ports }] = podOf(file).containers;
    expect(ports).toEqual([{ name: "http", containerPort: port }]);
    for (const probe of [startupProbe, livenessProbe, ...(readinessProbe ? [readinessProbe] : [])])
      expect(probe.httpGet).toEqual({ path, port: "http" });
  });

  it("the API gets requests once it answers, and a worker has an hour to get its model before it is restarted", () => {
    expect(podOf("api.yaml").containers[0]).toHaveProperty("readinessProbe");
    const { periodSeconds, failureThreshold } = worker.startupProbe;
    expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(3600);
  });

  it("a worker has one GPU and the memory for a model, on nodes that keep other pods away", () => {
    expect(worker.resources.limits).toMatchObject({ "nvidia.com/gpu": 1 });
    expect(worker.resources.requests).toMatchObject({ cpu: "2", memory: "16Gi" });
    expect(workers.tolerations).toEqual([
      { key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" },
    ]);
  });

  it("a worker asks for the disk that it may fill, which the documents raise by the size of their model", () => {
    const { requests, limits } = worker.resources;
    const own = limits["ephemeral-storage"];
    expect(requests["ephemeral-storage"]).toBe(own);
    const [, raised] = /`ephemeral-storage` to `(\w+)`/.exec(readFileSync("docs/operations.md", "utf8"))!;
    const [, gb] = /^\| `wan2\.1-1\.3b` \|[^|]*\| (\d+) GB/m.exec(readFileSync("docs/models.md", "utf8"))!;
    expect(bytesOf(raised!)).toBeGreaterThanOrEqual(Number(gb) * 1e9 + bytesOf(own));
  });

  it("a pod runs as the account that may pull from the registry, by the Secret of the documents", () => {
    const [account] = manifestsOf("service-account.yaml");
    expect(manifestsOf("kustomization.yaml")[0].resources).toContain("service-account.yaml");
    for (const file of ["api.yaml", "workers.yaml"])
      expect(podOf(file).serviceAccountName).toBe(account.metadata.name);
    const [, secret] = /create secret docker-registry (\S+)/.exec(
      readFileSync("docs/operations.md", "utf8"),
    )!;
    expect(account.imagePullSecrets).toEqual([{ name: secret }]);
  });

  it("a worker is replaced by another one only when its own GPU is free", () => {
    const [{ spec }] = objectsOf("Deployment", "workers.yaml");
    expect(spec.strategy.rollingUpdate).toEqual({ maxSurge: 0, maxUnavailable: 1 });
  });

  it("a worker keeps models and pictures on its volume", () => {
    const { MODEL_CACHE = "", TMPDIR = "" } = containerOf("adareel-workers", "workers.yaml").env;
    const [{ mountPath }] = worker.volumeMounts;
    for (const folder of [MODEL_CACHE, TMPDIR]) expect(`${folder}/`).toContain(`${mountPath}/`);
  });

  it("the gateway is one pod over one lasting disk, which two gateways never share", () => {
    const [claim] = objectsOf("PersistentVolumeClaim", "gateway/gateway.yaml");
    const [{ spec }] = objectsOf("Deployment", "gateway/gateway.yaml");
    expect(spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } });
    const { volumes, containers, initContainers } = podOf("gateway/gateway.yaml");
    expect(volumes).toEqual([{ name: "files", persistentVolumeClaim: { claimName: claim.metadata.name } }]);
    for (const { volumeMounts } of [...initContainers, ...containers])
      expect(volumeMounts).toEqual([{ name: "files", mountPath: "/files" }]);
  });

  it("the pods of the API have one lasting master key, which nobody else reads", () => {
    const { volumes, initContainers } = podOf("api.yaml");
    const [{ command, volumeMounts }] = initContainers;
    expect(command).toEqual(["install", "-m", "400", "/secret/master.key", "/data/master.key"]);
    const { name } = volumeMounts.find(({ mountPath }: Manifest) => mountPath === "/secret");
    expect(volumes.find((volume: Manifest) => volume.name === name)).toMatchObject({
      secret: { secretName: "adareel-master-key" },
    });
  });
});

describe("the compose file", () => {
  const services = composeServices();
  const lasting = Object.entries(services).filter(([name]) => name !== "bucket");

  it("a service of compose comes back after a crash and a restart of the machine", () => {
    expect(lasting.map(([name, { restart }]) => [name, restart])).toEqual(
      ["gateway", "api", "worker", "gpu-worker"].map((name) => [name, "unless-stopped"]),
    );
  });

  it.each(["worker", "gpu-worker"])("the service %s has an hour for its video when it is stopped", (name) => {
    const { stop_grace_period: period, environment } = services[name]!;
    expect(period).toBe("1h");
    expect(3_600_000 - Number(environment.STOP_GRACE_MS)).toBe(RELEASE_MS);
  });

  it("compose is reached by the API alone, and from this machine alone", () => {
    const published = Object.entries(services).flatMap(([name, { ports = [] }]) =>
      ports.map((port: string) => `${name} ${port}`),
    );
    expect(published).toEqual(["api 127.0.0.1:3000:3000"]);
  });

  it("the videos and the master key of compose are on volumes that outlive the containers", () => {
    const [, folder] = /DATA_DIR=(\S+)/.exec(readFileSync("deploy/Dockerfile", "utf8"))!;
    expect(services.api!.volumes).toEqual([`data:${folder}`]);
    for (const name of ["bucket", "gateway"]) expect(services[name]!.volumes).toEqual(["files:/files"]);
    expect(services.gateway!.command.at(-1)).toBe("/files");
  });

  it("compose has no secret of its own, and does not start without one", () => {
    const text = textOf("compose.yaml");
    expect(text.match(/\$\{S3_SECRET_KEY\S/g)).toEqual([`\${S3_SECRET_KEY:`, `\${S3_SECRET_KEY:`]);
    expect(text.match(/\$\{S3_SECRET_KEY:\?/g)).toHaveLength(2);
    expect(services.gateway!.environment.ROOT_SECRET_KEY).toBe(
      services.api!.environment.AWS_SECRET_ACCESS_KEY,
    );
  });

  it("every service of compose asks the gateway at its port, for the bucket that is made", () => {
    const { command } = services.gateway!;
    const bucket = services.bucket!.entrypoint.at(-1).split("/").at(-1);
    for (const name of ["api", "worker", "gpu-worker"])
      expect(services[name]!.environment).toMatchObject({
        AWS_ENDPOINT_URL_S3: `http://gateway${command[1]}`,
        STORE: `s3://${bucket}`,
      });
  });

  it("a service of compose keeps a log that cannot fill the disk", () => {
    for (const { logging } of Object.values(services)) expect(logging).toEqual({ driver: "local" });
  });

  it("the workers of compose begin when the API answers that it is well", () => {
    expect(services.api!.healthcheck.test.at(-1)).toContain("fetch('http://127.0.0.1:3000/healthz')");
    for (const name of ["worker", "gpu-worker"])
      expect(services[name]!.depends_on).toEqual({ api: { condition: "service_healthy" } });
  });

  it("the GPU worker of compose pulls its turns, and has a GPU for itself", () => {
    const { command, deploy } = services["gpu-worker"]!;
    expect(command).toEqual(["pull"]);
    expect(deploy).toEqual({
      resources: {
        reservations: { devices: [{ driver: "nvidia", device_ids: ["0"], capabilities: ["gpu"] }] },
      },
    });
  });
});

function objectsOf(kind: string, file: string): Manifest[] {
  return manifestsOf(file).filter((each) => each.kind === kind);
}

/** Returns what the Deployment of a file says of its pods. */
function podOf(file: string): Manifest {
  return objectsOf("Deployment", file)[0].spec.template.spec;
}

/** Returns the bytes of a quantity of Kubernetes in whole GiB. */
function bytesOf(quantity: string): number {
  return Number(/^(\d+)Gi$/.exec(quantity)![1]) * 2 ** 30;
}
