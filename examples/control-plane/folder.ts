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
// Outside of a checkout: "sentinel-proxy/client".
import { ResourceKind, SentinelClient } from "../../src/client/client.ts";

const [address, upstream, folder] = process.argv.slice(2);
if (address === undefined || upstream === undefined || folder === undefined) {
  console.error("usage: folder.ts CONTROL UPSTREAM FOLDER");
  process.exit(2);
}
const client = new SentinelClient(address);

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
    // The client has tried again what passes by itself.
    await sync().catch(async (error: Error) => {
      console.error(error.message);
      isDirty = true;
      await after(1_000);
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
  const options = { reason: `folder ${folder}` };
  const { result } = await client.call("replaceBackends", { upstream: upstream!, backends, options });
  if (result?.changed) console.log(`revision ${result.revision}: ${backends.length} backends`);
}

/** Looks again after every change to the upstream, and at every state: it may be another life. */
async function follow(): Promise<void> {
  for await (const event of client.watch({ kinds: [ResourceKind.UPSTREAM, ResourceKind.BACKEND] })) {
    const effects = event.type === "change" ? event.change.effects : [];
    if (event.type === "state" || effects.some((effect) => [effect.upstream, effect.id].includes(upstream!)))
      changed();
  }
}
