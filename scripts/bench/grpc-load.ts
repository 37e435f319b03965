// Unary gRPC calls at little cost, for load: each client has a connection of its
// own and one call at a time. It speaks HTTP/2 in prepared frames and looks only at
// what ends a call, because the generator shares the machine with what it measures.
// Answers are counted when they carry a message; what failed carries none.
import { connect, type Socket } from "node:net";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEAD = 9;
const TYPE = { data: 0, headers: 1, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
/** The window of the connection is filled up when so much has come. */
const WINDOW_BYTES = 32_768;

/** One client. */
export class UnaryClient {
  readonly #socket: Socket;
  readonly #headers: Buffer;
  #pending: Buffer = Buffer.alloc(0);
  #stream = -1;
  #hasMessage = false;
  #consumed = 0;
  #done: ((hasMessage: boolean) => void) | undefined;

  /** Resolves when it is connected to the unix socket; `rpc` is a full name such as "a.v1.Service/Method". */
  static async connect(path: string, rpc: string): Promise<UnaryClient> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve).once("error", reject);
    });
    return new UnaryClient(socket, rpc);
  }

  private constructor(socket: Socket, rpc: string) {
    this.#socket = socket;
    this.#headers = Buffer.concat([
      field(":method", "POST"),
      field(":scheme", "http"),
      field(":path", `/${rpc}`),
      field(":authority", "localhost"),
      field("te", "trailers"),
      field("content-type", "application/grpc"),
    ]);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("close", () => this.#end(false));
    socket.on("error", () => this.#end(false));
    socket.write(Buffer.concat([Buffer.from(PREFACE), frame(TYPE.settings, 0, 0, Buffer.alloc(0))]));
  }

  /** One call; whether it was answered with a message. */
  call(message: Uint8Array): Promise<boolean> {
    this.#stream += 2;
    this.#hasMessage = false;
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    this.#socket.write(
      Buffer.concat([
        frame(TYPE.headers, END_HEADERS, this.#stream, this.#headers),
        frame(TYPE.data, END_STREAM, this.#stream, Buffer.concat([prefix, message])),
      ]),
    );
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    let buffer = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (buffer.length >= FRAME_HEAD) {
      const end = FRAME_HEAD + buffer.readUIntBE(0, 3);
      if (buffer.length < end) break;
      this.#frame(buffer[3]!, buffer[4]!, buffer.subarray(FRAME_HEAD, end));
      buffer = buffer.subarray(end);
    }
    this.#pending = buffer;
  }

  #frame(type: number, flags: number, payload: Buffer): void {
    switch (type) {
      case TYPE.data:
        this.#hasMessage ||= payload.length > 0;
        this.#refill(payload.length);
        break;
      case TYPE.settings:
        if ((flags & ACK) === 0) this.#socket.write(frame(TYPE.settings, ACK, 0, Buffer.alloc(0)));
        return;
      case TYPE.ping:
        if ((flags & ACK) === 0) this.#socket.write(frame(TYPE.ping, ACK, 0, payload));
        return;
      case TYPE.goAway:
        return this.#end(false);
    }
    const isLast = (type === TYPE.data || type === TYPE.headers) && (flags & END_STREAM) !== 0;
    if (isLast) this.#end(this.#hasMessage);
  }

  #refill(bytes: number): void {
    this.#consumed += bytes;
    if (this.#consumed < WINDOW_BYTES) return;
    const increment = Buffer.alloc(4);
    increment.writeUInt32BE(this.#consumed);
    this.#consumed = 0;
    this.#socket.write(frame(TYPE.windowUpdate, 0, 0, increment));
  }

  #end(hasMessage: boolean): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(hasMessage);
  }
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(FRAME_HEAD + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, FRAME_HEAD);
  return bytes;
}

/** A header field without compression: a literal that is not indexed, with a new name (RFC 7541 §6.2.2). */
function field(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}
