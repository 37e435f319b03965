// The gRPC server of the control API: ControlService, health, reflection, on
// every control address. Callers are trusted by the address they reach (a unix
// socket's mode, or loopback); identities come with their own package.
import * as grpc from "@grpc/grpc-js";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { ControlService } from "../gen/sentinel/v1/control_pb.ts";
import { addService, type Handlers } from "../grpc/service-definition.ts";
import type { ControlAddress } from "./address.ts";
import type { ControlDependencies } from "./dependencies.ts";
import { HealthService } from "./health.ts";
import { KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, MAX_REQUEST_BYTES, MAX_STREAMS } from "./limits.ts";
import { bindControl } from "./listen.ts";
import { addReflection } from "./reflection.ts";
import { explainHandler } from "./service/explain.ts";
import { guardHandlers } from "./service/guards.ts";
import { historyHandlers } from "./service/history.ts";
import { mutationHandlers } from "./service/mutations.ts";
import { readHandlers } from "./service/reads.ts";
import { reloadHandler } from "./service/reload.ts";
import { Watches } from "./service/watch.ts";
import { EventWatches } from "./service/watch-events.ts";

/** A running control API. */
export interface ControlServer {
  /** How clients reach it: "unix:PATH" or "IP:PORT". */
  readonly addresses: readonly string[];
  /** Ends watches, lets calls finish for `graceMs`, then cuts them. */
  stop(graceMs: number): Promise<void>;
}

/** Binds every address; rejects, with nothing left bound, if one cannot be. */
export async function startControlServer(
  deps: ControlDependencies,
  where: readonly ControlAddress[],
): Promise<ControlServer> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
    "grpc.max_send_message_length": MAX_REQUEST_BYTES,
    "grpc.max_concurrent_streams": MAX_STREAMS,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
  });
  const watches = new Watches(deps);
  const eventWatches = new EventWatches(deps);
  const reads = readHandlers(deps, () => watches.count + eventWatches.count);
  const history = historyHandlers(deps);
  const handlers = {
    ...mutationHandlers(deps),
    ...guardHandlers(deps),
    ...reads.handlers,
    ...history.handlers,
    explainRoute: explainHandler(deps),
    reloadConfig: reloadHandler(deps),
    watchChanges: (call: Parameters<Watches["handle"]>[0]) => watches.handle(call),
    watchEvents: (call: Parameters<EventWatches["handle"]>[0]) => eventWatches.handle(call),
  };
  addService(server, ControlService, handlers as unknown as Handlers<typeof ControlService>);
  const health = new HealthService(server, [ControlService.typeName]);
  addReflection(server, [ControlService.typeName, Health.typeName]);
  const addresses: string[] = [];
  try {
    for (const address of where) addresses.push(await bindControl(server, address));
  } catch (error) {
    watches.close();
    eventWatches.close();
    server.forceShutdown();
    throw error;
  }
  return {
    addresses,
    stop: async (graceMs) => {
      health.shutDown();
      watches.close();
      eventWatches.close();
      reads.close();
      history.close();
      await stopServer(server, graceMs);
    },
  };
}

function stopServer(server: grpc.Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      // Connections whose client does not close them, too.
      server.forceShutdown();
      resolve();
    });
  });
}
