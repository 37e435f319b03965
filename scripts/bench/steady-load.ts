// A process of its own for benchmarks that ask what traffic notices: a backend,
// and clients that send requests at a fixed rate through the proxy, whatever
// comes back. A latency counts from when the request was due, so that a stall
// shows in every request that it held up. Talks to its parent over IPC; see
// load.ts for the other end.
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";

/** From the parent: drive this address; report what was due in this window (epoch ms); end. */
export type ToLoad =
  | {
      readonly type: "drive";
      readonly address: string;
      readonly connections: number;
      readonly perSecond: number;
    }
  | { readonly type: "report"; readonly from: number; readonly to: number };

/** To the parent. */
export type FromLoad =
  | { readonly type: "backend"; readonly address: string }
  | {
      readonly type: "report";
      readonly latenciesMs: readonly number[];
      readonly failed: number;
      /** The backend's connections that are open, by number in the order in which they came. */
      readonly open: readonly number[];
    };

interface Sample {
  readonly due: number;
  readonly ms: number;
}

const REQUEST = "GET /load HTTP/1.1\r\nHost: load.test\r\n\r\n";
/** Ends every answer; see the backend below. */
const END = "steady\n";

if (process.send !== undefined) await main();

async function main(): Promise<void> {
  const samples: Sample[] = [];
  const failures: number[] = [];
  const backend = createServer((incoming, response) => {
    incoming.resume();
    response.end(END);
  });
  const open = new Set<number>();
  let accepted = 0;
  backend.on("connection", (socket) => {
    const number = ++accepted;
    open.add(number);
    socket.once("close", () => open.delete(number));
  });
  backend.keepAliveTimeout = 600_000;
  backend.listen(0, "127.0.0.1");
  await once(backend, "listening");
  const send = (message: FromLoad) => process.send!(message);
  process.on("message", (message: ToLoad) => {
    if (message.type === "drive") {
      const { address, connections, perSecond } = message;
      const clients = Array.from({ length: connections }, () => client(address, samples, failures));
      return inTurn(clients, 1000 / perSecond);
    }
    const { from, to } = message;
    const within = samples.filter(({ due }) => due >= from && due < to);
    const failed = failures.filter((at) => at >= from && at < to).length;
    send({ type: "report", latenciesMs: within.map(({ ms }) => ms), failed, open: [...open] });
  });
  process.on("disconnect", () => process.exit(0));
  send({ type: "backend", address: `127.0.0.1:${(backend.address() as AddressInfo).port}` });
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Asks one after the other, every `everyMs`, by a clock that does not wait for answers. */
function inTurn(asks: readonly ((due: number) => void)[], everyMs: number): void {
  let due = now() + everyMs;
  let turn = 0;
  const tick = () => {
    for (; due <= now(); due += everyMs) asks[turn++ % asks.length]!(due);
    setTimeout(tick, Math.max(0, due - now()));
  };
  tick();
}

/** One connection; returns how to send a request that was due then. */
function client(address: string, samples: Sample[], failures: number[]): (due: number) => void {
  const [host, port] = address.split(":");
  const socket = connect({ host: host!, port: Number(port), noDelay: true });
  const waiting: number[] = [];
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
    for (let end = text.indexOf(END); end >= 0; end = text.indexOf(END)) {
      const sent = waiting.shift()!;
      if (text.startsWith("HTTP/1.1 200 ")) samples.push({ due: sent, ms: now() - sent });
      else failures.push(sent);
      text = text.slice(end + END.length);
    }
  });
  socket.on("error", () => {});
  socket.on("close", () => failures.push(...waiting.splice(0), now()));
  return (due) => {
    if (socket.destroyed) return void failures.push(due);
    waiting.push(due);
    socket.write(REQUEST);
  };
}
