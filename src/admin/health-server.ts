// Minimal HTTP for probes (`health-listen`): GET /health and /ready, nothing
// else, served by the primary, so that a busy data plane cannot starve it.
import { createServer, type Server } from "node:http";
import { limitConnections } from "./connections.ts";
import { type Answer, type Progress, readyAnswer } from "./readiness.ts";

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
  progress: () => Progress,
): Promise<HealthServer> {
  // Node.js looks for slow clients every 30 s unless told otherwise.
  const server = createServer({ connectionsCheckingInterval: 1_000 }, (request, response) => {
    const { status, body } = answer(request.method ?? "", request.url ?? "", progress);
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
  limitConnections(server, 100);
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

function answer(method: string, url: string, progress: () => Progress): Answer {
  if (method !== "GET" && method !== "HEAD") return { status: 405, body: { status: "method not allowed" } };
  const [path, query = ""] = url.split("?");
  if (path === "/health") return { status: 200, body: { status: "healthy" } };
  if (path !== "/ready") return { status: 404, body: { status: "not found" } };
  return readyAnswer(progress(), new URLSearchParams(query));
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
