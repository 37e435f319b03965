// The least that a durable change over gRPC can cost here, for comparison: a bare grpc-js
// server on a unix socket. Each call is one row of one SQLite table in a thread of its own
// (WAL, synchronous=FULL), then two worker threads are told and say that they have it, then it
// is answered. Nothing is decoded, checked or kept in memory; calls are one at a time.
// Arguments: the socket, the database, how many rows there are before.
import { DatabaseSync } from "node:sqlite";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import * as grpc from "@grpc/grpc-js";

/** The rpc's path. */
export const FLOOR_PATH = "/floor.Floor/Put";
const WORKERS = 2;

if (!isMainThread) {
  const { database, rows } = workerData as { database?: string; rows: number };
  const act = database === undefined ? keep() : insert(database, rows);
  parentPort!.on("message", (bytes: Uint8Array) => {
    act(bytes);
    parentPort!.postMessage(true);
  });
} else if (process.argv[1]?.includes("floor-server")) {
  const [socket, database, rows] = process.argv.slice(2) as [string, string, string];
  serve(socket, database, Number(rows));
}

function insert(database: string, rows: number): (bytes: Uint8Array) => void {
  const db = new DatabaseSync(database);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE changes (revision INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT; BEGIN`);
  const add = db.prepare("INSERT INTO changes (record) VALUES (?)");
  for (let i = 0; i < rows; i++) add.run(Buffer.alloc(200));
  db.exec("COMMIT");
  return (bytes) => add.run(bytes);
}

function keep(): (bytes: Uint8Array) => void {
  const kept: Uint8Array[] = [];
  return (bytes) => kept.push(bytes);
}

function serve(socket: string, database: string, rows: number): void {
  const start = (data: object) => new Worker(new URL(import.meta.url), { workerData: data });
  const writer = start({ database, rows });
  const workers = Array.from({ length: WORKERS }, () => start({}));
  let current: { bytes: Buffer; missing: number; done: grpc.sendUnaryData<Buffer> } | undefined;
  writer.on("message", () => {
    for (const worker of workers) worker.postMessage(current!.bytes);
  });
  for (const worker of workers) {
    worker.on("message", () => {
      current!.missing--;
      if (current!.missing === 0) current!.done(null, Buffer.alloc(0));
    });
  }
  const same = (bytes: Buffer) => bytes;
  const serializers = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const method = { path: FLOOR_PATH, requestStream: false, responseStream: false, ...serializers };
  const server = new grpc.Server();
  const put: grpc.handleUnaryCall<Buffer, Buffer> = ({ request: bytes }, done) => {
    current = { bytes, missing: WORKERS, done };
    writer.postMessage(bytes);
  };
  server.addService({ put: method }, { put });
  server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error !== null) throw error;
  });
}
