// A client that writes request heads to one connection itself, so that a test
// knows the turn of the event loop in which a head was written and what became
// of it. One request at a time; reads answers with a Content-Length only.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** What became of a request. */
export interface Outcome {
  /** 0: there was no answer. */
  readonly status: number;
  /** The body, or why there is no answer. */
  readonly text: string;
  /** A field of the answer; "" if it has none of this name. */
  readonly header: (name: string) => string;
}

/** See the head of this file. */
export class RawClient {
  readonly #socket: Socket;
  #received = "";
  #settle: ((outcome: Outcome) => void) | undefined;
  #closed = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1").setNoDelay();
    socket.on("data", (chunk) => this.#onData(String(chunk)));
    socket.on("error", ({ message }) => this.#end(message));
    socket.on("close", () => this.#end("closed"));
    socket.on("end", () => this.#end("ended"));
  }

  /** Connects to "IP:PORT"; rejects if that cannot be done. */
  static async open(address: string): Promise<RawClient> {
    const [host, port] = address.split(":");
    const socket = connect(Number(port), host);
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** Writes a request at once, in this turn of the event loop. A broken connection is an outcome of status 0. */
  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return new Promise((resolve) => {
      if (this.#closed !== "") return resolve(failed(this.#closed));
      this.#settle = resolve;
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: load\r\n${lines.join("")}\r\n`);
    });
  }

  /** Why the connection is no more; "" while it is open. */
  get closed(): string {
    return this.#closed;
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(chunk: string): void {
    this.#received += chunk;
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#received.slice(0, end);
    const header = (name: string) => new RegExp(`^${name}: *(.*)$`, "im").exec(head)?.[1] ?? "";
    const length = Number(header("content-length"));
    if (this.#received.length < end + 4 + length) return;
    const text = this.#received.slice(end + 4, end + 4 + length);
    this.#received = this.#received.slice(end + 4 + length);
    this.#finish({ status: Number(head.split(" ")[1]), text, header });
  }

  #end(reason: string): void {
    if (this.#closed === "") this.#closed = reason;
    this.#socket.destroy();
    const cut = this.#received === "" ? "" : ` within an answer (${this.#received.length} bytes)`;
    this.#finish(failed(`${this.#closed}${cut}`));
  }

  #finish(outcome: Outcome): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(outcome);
  }
}

function failed(text: string): Outcome {
  return { status: 0, text, header: () => "" };
}
