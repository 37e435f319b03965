// How many connections an admin listener or the probe server has. When all places are
// taken, the oldest connection without a request that is being answered makes room: who
// connects again and again and sends nothing cannot keep others out.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Keeps a server at `max` connections at most. */
export function limitConnections(server: Server, max: number): void {
  /** In the order in which they came, each with its requests that are being answered. */
  const open = new Map<Socket, number>();
  server.on("connection", (socket: Socket) => {
    if (open.size >= max) {
      const oldest = [...open].find(([, requests]) => requests === 0)?.[0] ?? socket;
      open.delete(oldest);
      oldest.destroy();
      if (oldest === socket) return;
    }
    open.set(socket, 0);
    socket.once("close", () => open.delete(socket));
  });
  const count = (socket: Socket, by: 1 | -1) => {
    const requests = open.get(socket);
    if (requests !== undefined) open.set(socket, requests + by);
  };
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    count(socket, 1);
    response.once("close", () => count(socket, -1));
  });
}
