// A backend's response on its way to the client: whether it can be relayed at
// all, its head, its body, its trailers. Knows no timers and no retries; called
// by forward.ts.
import type { IncomingMessage, ServerResponse } from "node:http";
import { forwardableTrailers, listTokens, responseFields } from "./fields.ts";

const NOTHING = Buffer.alloc(0);

/** How to relay. */
export interface RelayOptions {
  readonly requestId: string;
  /** Whether the client reads trailers. */
  readonly acceptsTrailers: boolean;
}

/** Why a response cannot be relayed; undefined if it can. */
export function checkResponse(answer: IncomingMessage): string | undefined {
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 599) return `status ${status}`;
  // Node removes only "chunked": any other coding would leave a body that nobody can read.
  const coding = listTokens([answer.headers["transfer-encoding"] ?? ""]).join();
  return coding === "" || coding === "chunked" ? undefined : `transfer coding ${coding}`;
}

/**
 * Sends head, body and trailers. `done` is called without an error when all of
 * it has been handed over, with one when the backend fails before; it may be
 * called again, which means nothing. When the client leaves it is not called.
 * Throws if the head cannot be sent, and then nothing has been sent.
 */
export function relayResponse(
  answer: IncomingMessage,
  response: ServerResponse,
  options: RelayOptions,
  done: (error?: Error) => void,
): void {
  const status = answer.statusCode!;
  const isBodiless = response.req.method === "HEAD" || status === 204 || status === 205 || status === 304;
  const keepsTrailers =
    options.acceptsTrailers &&
    !isBodiless &&
    response.req.httpVersion === "1.1" &&
    answer.headers["content-length"] === undefined;
  response.writeHead(
    status,
    answer.statusMessage ?? "",
    responseFields(answer.rawHeaders, status, keepsTrailers, options.requestId),
  );
  if (isBodiless) {
    answer.resume();
    response.once("finish", () => done());
    response.end();
    return;
  }
  if (keepsTrailers) answer.once("end", () => addTrailers(answer, response));
  let isFlowing = false;
  answer.once("data", () => {
    isFlowing = true;
  });
  answer.once("error", done);
  answer.once("close", () => {
    if (!answer.complete) done(new Error("incomplete response"));
  });
  response.once("finish", () => done());
  answer.pipe(response); // ends the response only after a whole answer
  // The head goes out with the first of the body, or alone if that is not here
  // yet. Not by flushHeaders, which would write it as UTF-8.
  process.nextTick(() => {
    if (!isFlowing && !response.destroyed && !response.writableEnded) response.write(NOTHING);
  });
}

function addTrailers(answer: IncomingMessage, response: ServerResponse): void {
  const trailers = forwardableTrailers(answer.rawTrailers);
  if (trailers.length > 0) response.addTrailers(trailers);
}
