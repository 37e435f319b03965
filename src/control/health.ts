// grpc.health.v1.Health: SERVING while the control API takes changes.
import type * as grpc from "@grpc/grpc-js";
import {
  Health,
  type HealthCheckRequest,
  HealthCheckResponse_ServingStatus as Status,
} from "../gen/grpc/health/v1/health_pb.ts";
import { addService } from "../grpc/service-definition.ts";
import { failure } from "./status.ts";

type Watcher = grpc.ServerWritableStream<HealthCheckRequest, { status: Status }>;

/** The health service of one server. */
export class HealthService {
  readonly #services: ReadonlySet<string>;
  readonly #watchers = new Set<Watcher>();
  #status: Status = Status.SERVING;

  constructor(server: grpc.Server, services: readonly string[]) {
    this.#services = new Set(["", ...services]);
    addService(server, Health, {
      check: (call, done) => {
        if (this.#services.has(call.request.service)) done(null, { status: this.#status });
        else done(failure("not_found", `unknown service '${call.request.service}'`));
      },
      list: (_call, done) => {
        const statuses = Object.fromEntries(
          [...this.#services].map((name) => [name, { status: this.#status }]),
        );
        done(null, { statuses });
      },
      watch: (call) => this.#watch(call as Watcher),
    });
  }

  /** Tells all watchers that nothing is served any more, and ends their streams. */
  shutDown(): void {
    this.#status = Status.NOT_SERVING;
    for (const watcher of this.#watchers) {
      watcher.write({ status: this.#status });
      watcher.end();
    }
    this.#watchers.clear();
  }

  #watch(call: Watcher): void {
    const known = this.#services.has(call.request.service);
    call.write({ status: known ? this.#status : Status.SERVICE_UNKNOWN });
    this.#watchers.add(call);
    const forget = () => this.#watchers.delete(call);
    call.on("cancelled", forget);
    call.on("close", forget);
    call.on("error", forget);
  }
}
