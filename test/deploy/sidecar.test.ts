// deploy/kubernetes/sidecar.yaml: its structure, and a real run of what it
// describes, with exactly the ConfigMap's text.
// Alone: its ports may have to stay free for a while, and nobody else be given them.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { loadConfigText } from "../../src/config/load.ts";
import type { SidecarReport, SidecarRun } from "./sidecar-run.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const RUN_DEADLINE_MS = 60_000;

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string | number };
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources: {
    readonly requests: Readonly<Record<string, string>>;
    readonly limits: Readonly<Record<string, string>>;
  };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}
interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  readonly volumes: readonly Readonly<Record<string, unknown>>[];
}

const documents = parseAllDocuments(readFileSync(join(ROOT, "deploy/kubernetes/sidecar.yaml"), "utf8"));
const [configMap, deployment, service] = documents.map((document) => document.toJS());
const text: string = configMap.data["sentinel.kdl"];
const pod: Pod = deployment.spec.template.spec;
const app = pod.containers.find(({ name }) => name === "app")!;
const sentinel = pod.containers.find(({ name }) => name === "sentinel")!;
const PROBES = ["startupProbe", "readinessProbe", "livenessProbe"] as const;
const SOCKET = "/run/sentinel/control.sock";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-sidecar-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the manifest is valid YAML of the three kinds", () => {
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
  expect([configMap.kind, deployment.kind, service.kind]).toEqual(["ConfigMap", "Deployment", "Service"]);
  const labels = deployment.spec.template.metadata.labels;
  expect(deployment.spec.selector.matchLabels).toEqual(labels);
  expect(service.spec.selector).toEqual(labels);
  expect(service.spec.ports[0].targetPort).toBe("http");
});

test("the configuration loads without a single warning", () => {
  const { config, diagnostics, settings } = loadConfigText("sentinel.kdl", text);
  expect(diagnostics).toEqual([]);
  expect(config?.system?.workerThreads).toBe(1);
  expect(settings.control).toEqual([{ address: `unix:${SOCKET}`, mode: 0o660, insecure: false }]);
});

test("ports and paths of the Pod are those of the configuration", () => {
  const { config, settings } = loadConfigText("sentinel.kdl", text);
  const port = (name: string) => sentinel.ports?.find((one) => one.name === name)?.containerPort;
  expect(config?.listeners.map(({ address }) => address)).toEqual([`0.0.0.0:${port("http")}`]);
  expect(settings.healthListen).toBe(`0.0.0.0:${port("probes")}`);
  for (const probe of PROBES) expect(sentinel[probe].httpGet.port).toBe("probes");
  const argument = (name: string) => sentinel.args![sentinel.args!.indexOf(name) + 1];
  const mounts = Object.fromEntries(sentinel.volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
  expect(argument("--config")).toBe(`${mounts["config"]}/sentinel.kdl`);
  expect(argument("--state-dir")).toBe(mounts["state"]);
  expect(SOCKET).toBe(`${mounts["control"]}/control.sock`);
});

test("every mounted volume exists, state and socket are emptyDirs", () => {
  const volumes = new Map(pod.volumes.map((volume) => [volume["name"], volume]));
  for (const { volumeMounts } of pod.containers) {
    for (const { name } of volumeMounts) expect([...volumes.keys()]).toContain(name);
  }
  expect(volumes.get("config")).toMatchObject({ configMap: { name: configMap.metadata.name } });
  for (const name of ["state", "control"]) expect(volumes.get(name)).toHaveProperty("emptyDir");
});

test("the Pod has as few rights as it needs", () => {
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, fsGroup: expect.any(Number) });
  for (const { securityContext, resources } of pod.containers) {
    expect(securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(securityContext["runAsUser"]).toBeGreaterThan(0);
    expect(resources.requests).toHaveProperty("memory");
    expect(resources.limits).toHaveProperty("memory");
  }
});

test("there is time for preStop, draining and the end", () => {
  const { config } = loadConfigText("sentinel.kdl", text);
  const draining = Number(config?.system?.gracefulShutdownTimeout?.seconds);
  const wait = waitSeconds(sentinel);
  expect(wait).toBeGreaterThan(0);
  // 1 s for control calls, 5 s after which the process ends by force (src/app.ts, src/run.ts).
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(wait + draining + 6);
  expect(waitSeconds(app)).toBeGreaterThan(wait);
});

test("the Pod runs: traffic, probes, a change over the socket, an orderly end", async () => {
  const { report, notes } = await runPod();
  if (notes !== "") console.log(notes);
  expect(report.standardError).toBe("");
  expect(report.answer).toBe("hello from the app\n");
  expect(report.probes).toEqual({ startupProbe: 200, readinessProbe: 200, livenessProbe: 200 });
  expect(report.socketMode).toBe("660");
  expect(report.change).toContain("backend app/127.0.0.1:3999 added");
  expect(report.status).toContain("ready");
  expect(report.exitCode).toBe(0);
  const limit = Number.parseInt(sentinel.resources.limits["memory"]!, 10);
  expect(sentinel.resources.limits["memory"]).toMatch(/^\d+Mi$/);
  expect(report.residentMegabytes).toBeLessThan(limit);
}, 90_000);

/** Seconds that a container's preStop takes, from its own text. */
function waitSeconds({ lifecycle }: Container): number {
  const command = lifecycle.preStop.exec.command.join(" ");
  const milliseconds = /^node -e setTimeout\(\(\) => \{\}, ([\d_]+)\)$/.exec(command)?.[1];
  return Number(milliseconds?.replaceAll("_", "")) / 1000;
}

/** Runs the Pod as it is in a private network if the system allows it, else on free ports. */
async function runPod(): Promise<{ report: SidecarReport; notes: string }> {
  // Its own loopback and its own /run: the fixed ports and the socket's path are free there.
  const prepare = "ip link set lo up && mount -t tmpfs tmpfs /run && mkdir /run/sentinel && ";
  const inPrivate = ["unshare", "-rnm", "sh", "-c", `${prepare} exec "$@"`, "sh"];
  if (spawnSync(inPrivate[0]!, [...inPrivate.slice(1), "true"]).status === 0) {
    return { report: await start(inPrivate, text, app.command!, SOCKET), notes: "" };
  }
  const socket = join(folder, "control.sock");
  const replaced = new Map([[SOCKET, socket]]);
  const free = await freePorts(3);
  ["3000", "8080", "9902"].forEach((port, i) => {
    replaced.set(port, String(free[i]));
  });
  const substitute = (from: string) =>
    from.replace(/3000|8080|9902|\/run\/sentinel\/control\.sock/g, (found) => replaced.get(found)!);
  const command = app.command!.map(substitute);
  const report = await start([], substitute(text), command, socket, substitute);
  const list = [...replaced].map(([from, to]) => `${from} → ${to}`).join(", ");
  return { report, notes: `no private network here (unshare -rnm): the ConfigMap's text ran with ${list}` };
}

async function start(
  prefix: readonly string[],
  config: string,
  appCommand: readonly string[],
  socket: string,
  substitute: (text: string) => string = (same) => same,
): Promise<SidecarReport> {
  const file = join(folder, "sentinel.kdl");
  writeFileSync(file, config);
  const places: Readonly<Record<string, string>> = {
    "/etc/sentinel/sentinel.kdl": file,
    "/var/lib/sentinel": join(folder, "state"),
  };
  const port = (name: string | number) => sentinel.ports!.find((one) => one.name === name)!.containerPort;
  const url = (name: string | number, path: string) => substitute(`http://127.0.0.1:${port(name)}`) + path;
  const run: SidecarRun = {
    appCommand,
    arguments: sentinel.args!.map((argument) => places[argument] ?? argument),
    url: url("http", "/"),
    probes: Object.fromEntries(
      PROBES.map((probe) => [probe, url(sentinel[probe].httpGet.port, sentinel[probe].httpGet.path)]),
    ),
    socket,
  };
  const command = [
    ...prefix,
    process.execPath,
    join(import.meta.dirname, "sidecar-run.ts"),
    JSON.stringify(run),
  ];
  const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  const deadline = setTimeout(() => child.kill("SIGTERM"), RUN_DEADLINE_MS);
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(deadline);
  if (code !== 0) throw new Error(`the run ended with ${code}: ${errors}${output}`);
  return JSON.parse(output) as SidecarReport;
}

/** Different ports, because all are held until the last is known. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(
    servers.map((server) => {
      server.close();
      return once(server, "close");
    }),
  );
  return ports;
}
