// Minimal HTTP for probes (`health-listen`): GET /health and /ready, nothing
// else, served by the primary, so that a busy data plane cannot starve it.
import { createServer, type Server } from "node:http";

/** What /ready says. */
export interface Readiness {
  readonly ready: boolean;
  /** Shown in the body, for people. */
  readonly details: Readonly<Record<string, string>>;
}

/** A running probe server. */
export interface HealthServer {
  /** The address that is bound. */
  readonly address: string;
  close(): Promise<void>;
}

/** Listens on "IP:PORT"; rejects if it cannot. */
export async function startHealthServer(
  host: string,
  port: number,
  readiness: () => Readiness,
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const [status, body] = answer(request.method ?? "", request.url ?? "", readiness);
    const text = `${JSON.stringify(body)}\n`;
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      "cache-control": "no-store",
    });
    response.end(request.method === "HEAD" ? undefined : text);
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  server.maxConnections = 100;
  await listen(server, host, port);
  const bound = server.address();
  const actual = bound === null || typeof bound === "string" ? port : bound.port;
  return {
    address: `${host.includes(":") ? `[${host}]` : host}:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(method: string, url: string, readiness: () => Readiness): [number, object] {
  if (method !== "GET" && method !== "HEAD") return [405, { status: "method not allowed" }];
  const path = url.split("?")[0];
  if (path === "/health") return [200, { status: "healthy" }];
  if (path !== "/ready") return [404, { status: "not found" }];
  const { ready, details } = readiness();
  return [ready ? 200 : 503, { status: ready ? "ready" : "not ready", ...details }];
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}
