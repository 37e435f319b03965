// A session of the command line with a real proxy, as a golden transcript: what
// each command prints, where, and its exit code. Each starts from what those
// before it did.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "@jest/globals";
import { configOf, type RunningProxy, startProxy } from "../e2e/proxy-process.ts";
import { expectGolden } from "./golden.ts";
import { invoke, words } from "./invoke.ts";

const UPSTREAMS = { api: ["127.0.0.1:3001", "127.0.0.1:3002"], green: [] };
const CONFIG = configOf(UPSTREAMS, "system { worker-threads 1 }");

/** Files that commands name with @. */
const FILES: Readonly<Record<string, string>> = {
  "start.kdl": CONFIG,
  "wanted.kdl": configOf(
    { api: ["127.0.0.1:3001", "127.0.0.1:3003"], blue: ["127.0.0.1:4001"] },
    "system { worker-threads 1; max-connections 500 }",
  ),
  "broken.kdl": "listeners { listener }\nroutes { rout }\n",
  "commands.json": JSON.stringify({
    commands: [
      { addUpstream: { upstream: { id: "blue", backends: [{ address: "127.0.0.1:4001" }] } } },
      { updateRoute: { route: { id: "v1", upstream: "blue" } } },
    ],
    options: { reason: "from a file" },
  }),
  "faults.json": JSON.stringify({
    commands: [
      { addBackend: { upstream: "gren", backend: { address: "10.0.0.1:80" } } },
      { addBackend: { upstream: "green", backend: { address: "http://10.0.0.1" } } },
      { removeRoute: { routeId: "v9" } },
    ],
  }),
  "unknown.json": '{"commands":[{"addBackend":{"upstrem":"api"}}]}',
  "torn.json": '{"commands":[',
};

const SESSION = `
status
state

# listeners
listener add second 127.0.0.1:0
listener add second 127.0.0.1:0
listener add second 127.0.0.1:1
listener update second --address nonsense
listener update secnd --address 127.0.0.1:0
listener update third --address 127.0.0.1:0 --allow-missing
listener remove third
listener remove third
listener remove third --allow-missing
listener remove second --validate-only
listener remove second

# upstreams
upstream add blue --backend 127.0.0.1:4001 --backend 127.0.0.1:4002 --load-balancing least_connections
upstream update blue --load-balancing round_robin --backend 127.0.0.1:4002
upstream update blue --clear load-balancing
upstream update blue --clear load-balansing
upstream remove api
upstream remove blue
upstream remove blue --allow-missing

# backends
backend add green 127.0.0.1:5001 --id g1 --weight 2.5 --state draining
backend add green 127.0.0.1:5001 --id g1 --weight 2.5 --state draining
backend add green 127.0.0.1:5001 --id g2
backend update green g1 --state enabled --clear weight
backend update green g2 --address 127.0.0.1:5002
backend update green g2 --address 127.0.0.1:5002 --allow-missing
backend replace green 127.0.0.1:5001 127.0.0.1:5003
backend remove green g1
backend remove green g1
backend remove green g1 --allow-missing
backend replace green
backend replace green --force
backend replace gren

# routes
route add v1 --upstream green --path-prefix /v1/ --path-prefix /V1/ --host a.example --host '*.b.example' --method GET --header 'X-A: 1' --not-header X-B --priority 60
route add v2 --upstream green --path /v2 --before v1
route add v3 --upstream green --path /v3 --after all --disable
route add v4 --upstream green --path /v4 --after v9
route add v5 --upstream gren --path v5
route update v3 --enable --method POST --clear priority
route update v1 --clear method --clear header --clear matches.hosts
route update v3 --before all
route update v3 --after v1
route update v3 --before v9
route update v9 --upstream api
state
explain /v1/x
explain http://a.example/nothing -H 'X-A: 1' -X POST
route remove v3
route remove v2 --expected-revision 1
route remove v2 --expected-history another
route remove v2 --reason tidy --wait applied --wait-timeout 10s

# system
system update --max-connections 20000 --graceful-shutdown-timeout 1500ms
system update --max-connections 0
system update --clear max-connections --clear graceful-shutdown-timeout

# files
apply @commands.json --validate-only
apply @commands.json --dry-run
apply @commands.json
diff @commands.json
apply @faults.json
diff @faults.json
diff @unknown.json
apply @unknown.json
apply @torn.json
apply @missing.kdl
diff @missing.kdl
apply @broken.kdl
diff @broken.kdl
diff @wanted.kdl
apply @wanted.kdl --dry-run
apply @wanted.kdl --expected-revision 1
apply @wanted.kdl --reason wanted
diff @wanted.kdl
apply @wanted.kdl
upstream remove api --cascade
apply @start.kdl
diff @start.kdl
validate @start.kdl
validate @broken.kdl

# history
backend add green 10.0.0.1:80 --id g1 --reason first --label team=edge --label ticket=7 --source sync --source-version 41 --request-id r1
backend add green 10.0.0.1:80 --id g1 --reason first --label team=edge --label ticket=7 --source sync --source-version 41 --request-id r1
backend add green 10.0.0.9:80 --id g1 --request-id r1
backend update green g1 --weight 3
history -n 2
history --refused -n 1
history --all -n 3
history --kind backend --id g1 --upstream green
history --since 1h --until 1h
history --actor nobody
history --kind system
show 31
show 999
blame backend g1 --upstream green
blame route v9
undo
undo 31 --validate-only
undo 999
rollback 30 --force --reason "back to the start"
rollback 999
snapshot save
status
`;

let folder: string;
let proxy: RunningProxy;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-cli-"));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  proxy = await startProxy(CONFIG);
});

afterAll(async () => {
  await proxy.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a session is the golden transcript", async () => {
  let transcript = "";
  for (const line of SESSION.trim().split("\n")) {
    if (line === "" || line.startsWith("#")) {
      transcript += `${line}\n`;
      continue;
    }
    const args = words(line).map((word) => word.replace(/^@/, `${folder}/`));
    const talks = args[0] === "validate" ? [] : ["--control", `unix:${proxy.socket}`];
    const { code, stdout, stderr } = await invoke(...args, ...talks);
    transcript += `$ sentinel ${line}\n${stdout}${stderr.replace(/^(?=.)/gm, "! ")}`;
    if (code !== 0) transcript += `exit ${code}\n`;
  }
  expectGolden("transcript.golden.txt", steady(transcript));
}, 60_000);

/** Without what differs from run to run: folder, times, ids, ports, number of workers. */
function steady(text: string): string {
  return text
    .replaceAll(`${folder}/`, "@")
    .replaceAll(`${proxy.stateDir}/`, "")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "HISTORY")
    .replace(/digest [0-9a-f]{16}/g, "digest DIGEST")
    .replace(/\d+ bytes/g, "N bytes")
    .replace(/bound to 127\.0\.0\.1:\d+/g, "bound to 127.0.0.1:PORT")
    .replace(/sentinel \d+\.\d+\.\d+\S*, /g, "sentinel VERSION, ")
    .replace(/applied on \d+ workers?/g, "applied on all workers");
}
