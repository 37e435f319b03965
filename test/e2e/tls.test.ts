// HTTPS listeners of a real process: which certificate is served, who is let in,
// what a reload of certificate files does, and what is refused before anything
// changes. Clients are node:tls and, where they are, curl and openssl.
import { spawn } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Authority, HAS_OPENSSL } from "../tls/authority.ts";
import { Control, type RunningProxy, startProxy } from "./proxy-process.ts";

let authority: Authority;
let backend: Server;
let proxy: RunningProxy;
let control: Control;
let port: number;

const available = HAS_OPENSSL ? test : test.skip;
if (!HAS_OPENSSL) console.log("TLS is not tested: there is no openssl command to make certificates with");

beforeAll(async () => {
  if (!HAS_OPENSSL) return;
  authority = new Authority();
  for (const name of ["own.test", "a.test", "client"]) authority.issue(name);
  authority.issue("wild", { names: ["DNS:*.wild.test"] });
  backend = createServer((incoming, answer) => {
    answer.end(JSON.stringify({ proto: incoming.headers["x-forwarded-proto"], url: incoming.url }));
  });
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  const target = `127.0.0.1:${(backend.address() as AddressInfo).port}`;
  const file = (name: string) => `"${authority.folder}/${name}"`;
  const pair = (name: string) => `cert-file ${file(`${name}.crt`)}; key-file ${file(`${name}.key`)}`;
  proxy = await startProxy(`
    system { worker-threads 2; graceful-shutdown-timeout-secs 1 }
    listeners {
      listener "web" {
        address "127.0.0.1:0"
        tls {
          ${pair("own.test")}
          sni { hostnames "a.test"; ${pair("a.test")} }
          sni { ${pair("wild")} }
        }
      }
      listener "members" {
        address "127.0.0.1:0"
        tls { ${pair("own.test")}; ca-file ${file("root.crt")}; client-auth #true; min-version "1.3" }
      }
    }
    upstreams { upstream "u" { target "${target}" } }
    routes { route "all" { matches { path-prefix "/" }; upstream "u" } }`);
  control = new Control(`unix:${proxy.socket}`);
  port = portOf("web");
}, 60_000);

afterAll(async () => {
  if (!HAS_OPENSSL) return;
  control.close();
  await proxy.stop();
  backend.close();
  authority.close();
});

function portOf(listener: string): number {
  return Number(proxy.listeners[listener]!.split(":").at(-1));
}

/** The names of the certificate that a handshake shows. */
async function served(servername: string | undefined, more: ConnectionOptions = {}): Promise<string> {
  const socket = await handshake({ ...(servername === undefined ? {} : { servername }), ...more });
  const { subjectaltname = "" } = socket.getPeerCertificate();
  socket.destroy();
  return subjectaltname;
}

function handshake(more: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...more }, () =>
      resolve(socket),
    );
    socket.once("error", reject);
  });
}

function get(
  servername: string,
  more: { port?: number; path?: string; agent?: false } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: servername };
    request(
      { host: "127.0.0.1", port, servername, headers, ca: authority.root.cert, agent: false, ...more },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (text) => {
          body += text;
        });
        answer.on("end", () => resolve(`${answer.statusCode} ${body}`));
      },
    )
      .once("error", reject)
      .end();
  });
}

/** What a program says; undefined if it is not here. The backend of these tests goes on meanwhile. */
async function run(program: string, args: readonly string[]): Promise<string | undefined> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      said += text;
    });
  }
  return new Promise((resolve) => {
    child.once("error", () => resolve(undefined)).once("close", () => resolve(said));
  });
}

available("a request over TLS is verified by its client and forwarded as https", async () => {
  expect(await get("own.test", { path: "/x" })).toBe('200 {"proto":"https","url":"/x"}');
  expect(await get("a.test")).toMatch(/^200 /);
  expect(await get("b.wild.test")).toMatch(/^200 /);
});

available("the certificate follows the name that the client asks for", async () => {
  expect(await served("a.test")).toBe("DNS:a.test");
  expect(await served("A.TEST")).toBe("DNS:a.test");
  expect(await served("x.wild.test")).toBe("DNS:*.wild.test");
  expect(await served("x.y.wild.test")).toBe("DNS:own.test");
  expect(await served("unknown.test")).toBe("DNS:own.test");
  expect(await served(undefined)).toBe("DNS:own.test");
});

available("old versions, plain text and unknown protocols get nowhere; the worker goes on", async () => {
  await expect(handshake({ maxVersion: "TLSv1.1", minVersion: "TLSv1" })).rejects.toThrow();
  await expect(handshake({ ALPNProtocols: ["smtp"] })).rejects.toThrow(/no application protocol/i);
  const members = portOf("members");
  await expect(handshake({ port: members, maxVersion: "TLSv1.2" })).rejects.toThrow();
  expect(await get("own.test")).toMatch(/^200 /);
});

available("a listener with client-auth lets nobody in without a certificate of its authorities", async () => {
  const members = portOf("members");
  const ask = (more: ConnectionOptions) =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port: members, rejectUnauthorized: false, ...more });
      socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once("close", () => resolve("closed"));
      socket.once("data", (bytes) => {
        resolve(bytes.toString("latin1").slice(9, 12));
        socket.destroy();
      });
      socket.write("GET / HTTP/1.1\r\nHost: own.test\r\n\r\n");
    });
  expect(await ask({})).toMatch(/^closed$|CERTIFICATE_REQUIRED|ECONNRESET/);
  const stranger = new Authority();
  const other = stranger.issue("client");
  stranger.close();
  expect(await ask({ cert: other.cert, key: other.key })).toMatch(/^closed$|UNKNOWN_CA|ECONNRESET/);
  const member = authority.issue("member");
  expect(await ask({ cert: member.cert, key: member.key })).toBe("200");
});

available("sessions are resumed whichever worker answers, until a certificate is replaced", async () => {
  const resumed = async (session: Buffer) => {
    const socket = await handshake({ servername: "a.test", session, maxVersion: "TLSv1.2" });
    const is = socket.isSessionReused();
    socket.destroy();
    return is;
  };
  const first = await handshake({ servername: "a.test", maxVersion: "TLSv1.2" });
  const session = first.getSession()!;
  first.destroy();
  const answers = await Promise.all(Array.from({ length: 20 }, () => resumed(session)));
  expect(new Set(answers)).toEqual(new Set([true]));

  const before = (await handshake({ servername: "a.test" })).getPeerCertificate().fingerprint256;
  authority.issue("a.test");
  await control.call("reloadConfig", {});
  const shown = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const socket = await handshake({ servername: "a.test" });
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    }),
  );
  expect(new Set(shown).size).toBe(1);
  expect(shown[0]).not.toBe(before);
  expect(await resumed(session)).toBe(false);
});

available("a session of one listener opens no other", async () => {
  const first = await handshake({ servername: "own.test" });
  const session = await new Promise<Buffer>((resolve) => {
    first.once("session", resolve);
    first.write("GET / HTTP/1.1\r\nHost: own.test\r\n\r\n");
  });
  first.destroy();
  const again = await handshake({ servername: "own.test", session });
  expect(again.isSessionReused()).toBe(true);
  again.destroy();
  const answer = await new Promise<string>((resolve) => {
    const port = portOf("members");
    const socket = connect({
      host: "127.0.0.1",
      port,
      rejectUnauthorized: false,
      servername: "own.test",
      session,
    });
    socket.once("error", () => resolve("refused")).once("close", () => resolve("refused"));
    socket.once("data", (bytes) => resolve(bytes.toString("latin1").slice(0, 12)));
    socket.write("GET / HTTP/1.1\r\nHost: own.test\r\n\r\n");
  });
  expect(answer).toBe("refused");
});

available("what cannot be served is refused with its field, and nothing changes", async () => {
  const { cert } = authority.issue("refused.test");
  const wrong = authority.file("wrong.crt", cert);
  const tls = (certFile: string, keyFile: string, more = {}) => ({
    listener: { id: "new", address: "127.0.0.1:0", tls: { certFile, keyFile, ...more } },
  });
  const ofOwn = `${authority.folder}/own.test.key`;
  const before = (await control.call("getStatus", {})).revision;
  const mismatch = await control.refused("addListener", tls(wrong, ofOwn));
  expect(mismatch.code).toBe("FAILED_PRECONDITION");
  expect(mismatch.violations).toEqual([
    {
      field: "listener.tls.key_file",
      description: `key file '${ofOwn}' of listener 'new': the key does not belong to the certificate; the key must be the one that the first certificate was made for`,
      reason: expect.anything(),
    },
  ]);
  const missing = await control.refused("addListener", tls("/nowhere/x.crt", ofOwn));
  expect(missing.violations[0]).toMatchObject({
    field: "listener.tls.cert_file",
    description: expect.stringContaining("no such file or directory"),
  });
  const own = tls(`${authority.folder}/own.test.crt`, ofOwn, {
    cipherSuite: ["ECDHE-RSA-AES128-GCM-SHA255"],
  });
  const cipher = await control.refused("addListener", own);
  expect(cipher.violations[0]!.field).toBe("listener.tls.cipher_suite[0]");
  expect((await control.call("getStatus", {})).revision).toBe(before);
});

available("a reload with a broken certificate keeps what is served, and says so", async () => {
  const before = await served("own.test");
  const good = authority.file("own.saved", authority.issue("saved.test").cert);
  copyFileSync(`${authority.folder}/own.test.crt`, good);
  writeFileSync(`${authority.folder}/own.test.crt`, "no certificate");
  await expect(control.call("reloadConfig", {})).rejects.toThrow(/certificate/);
  expect(await served("own.test")).toBe(before);
  copyFileSync(good, `${authority.folder}/own.test.crt`);
  await control.call("reloadConfig", {});
  expect(await served("own.test")).toBe(before);
});

available("curl and openssl agree", async () => {
  const url = `https://own.test:${port}/y`;
  const { root } = authority;
  const curl = await run("curl", [
    ...["--silent", "--show-error", "--cacert", root.certFile],
    ...["--resolve", `own.test:${port}:127.0.0.1`, url],
  ]);
  if (curl === undefined) console.log("curl is not here: not tried");
  else expect(curl).toBe('{"proto":"https","url":"/y"}');
  const to = ["-connect", `127.0.0.1:${port}`, "-servername", "a.test", "-CAfile", root.certFile];
  expect(await run("openssl", ["s_client", ...to])).toContain("Verify return code: 0 (ok)");
});
