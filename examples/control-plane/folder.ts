// A small control plane: keeps the backends of one upstream in step with a
// folder in which each file is one backend: its name is the id, its text the
// address. From a checkout: node examples/control-plane/folder.ts CONTROL UPSTREAM FOLDER
//
// It remembers nothing. Whenever anything may have changed (the folder, the
// upstream, another life of Sentinel) it sends the full list; that has no effect
// if nothing differs, so it may be killed and started at any time.
import { watch } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import {
  ControlService,
  type ReplaceBackendsResponse,
  type WatchChangesResponse,
} from "../../src/gen/sentinel/v1/control_pb.ts";
import { ResourceKind } from "../../src/gen/sentinel/v1/resources_pb.ts";
import { serviceDefinition } from "../../src/grpc/service-definition.ts";

const [address, upstream, folder] = process.argv.slice(2);
if (address === undefined || upstream === undefined || folder === undefined) {
  console.error("usage: folder.ts CONTROL UPSTREAM FOLDER");
  process.exit(2);
}
const RETRY_MS = 1_000;
const Client = grpc.makeClientConstructor(serviceDefinition(ControlService), "ControlService");
const client = new Client(address, grpc.credentials.createInsecure(), {
  "grpc.max_reconnect_backoff_ms": RETRY_MS,
});

let isDirty = true;
let wake = () => {};
function changed(): void {
  isDirty = true;
  wake();
}

watch(folder, changed);
void follow();
for (;;) {
  while (isDirty) {
    isDirty = false;
    await sync().catch(async (error: Error) => {
      console.error(error.message);
      isDirty = true;
      await after(RETRY_MS);
    });
  }
  await new Promise<void>((ok) => {
    wake = ok;
  });
}

/** Sends what the folder says. */
async function sync(): Promise<void> {
  const names = (await readdir(folder!)).filter((name) => !name.startsWith("."));
  const backends = await Promise.all(
    names.map(async (id) => ({ id, address: (await readFile(join(folder!, id), "utf8")).trim() })),
  );
  const request = { upstream, backends, options: { reason: `folder ${folder}` } };
  const { result } = await new Promise<ReplaceBackendsResponse>((ok, fail) => {
    const deadline = Date.now() + 10_000;
    client["replaceBackends"]!(
      request,
      { deadline },
      (error: Error | null, answer: ReplaceBackendsResponse) => (error === null ? ok(answer) : fail(error)),
    );
  });
  if (result?.changed) console.log(`revision ${result.revision}: ${backends.length} backends`);
}

/** Looks again after every change to the upstream, and whenever the stream begins: it may be another life. */
async function follow(): Promise<void> {
  for (;;) {
    const kinds = [ResourceKind.UPSTREAM, ResourceKind.BACKEND];
    const stream: AsyncIterable<WatchChangesResponse> = client["watchChanges"]!({ kinds });
    let hasBegun = false;
    try {
      for await (const { event } of stream) {
        const effects = event.case === "change" ? (event.value.change?.effects ?? []) : [];
        if (!hasBegun || effects.some((effect) => [effect.upstream, effect.id].includes(upstream!)))
          changed();
        hasBegun = true;
      }
    } catch {
      // Sentinel is away; sync() says so if it has something to send.
    }
    await after(RETRY_MS);
  }
}
