// Glue between generated protobuf services and grpc-js, for both sides: the
// server (control) and our own clients (client, cli). No behaviour of its own.
import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { GenService, GenServiceMethods } from "@bufbuild/protobuf/codegenv2";
import type * as grpc from "@grpc/grpc-js";

/** One definition for both sides: server.addService(...) and grpc.makeClientConstructor(...). */
export function serviceDefinition(service: DescService): grpc.ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [
      method.localName,
      {
        path: `/${service.typeName}/${method.name}`,
        originalName: method.localName,
        requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
        responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
        requestSerialize: serializer(method.input),
        requestDeserialize: deserializer(method.input),
        responseSerialize: serializer(method.output),
        responseDeserialize: deserializer(method.output),
      },
    ]),
  );
}

type In<M> = M extends { input: infer D extends DescMessage } ? MessageShape<D> : never;
type Out<M> = M extends { output: infer D extends DescMessage } ? MessageInitShape<D> : never;

/** Handler signatures derived from a generated service; init objects may be returned as they are. */
export type Handlers<S> =
  S extends GenService<infer T>
    ? {
        [K in keyof T]: T[K] extends { methodKind: "unary" }
          ? grpc.handleUnaryCall<In<T[K]>, Out<T[K]>>
          : T[K] extends { methodKind: "server_streaming" }
            ? grpc.handleServerStreamingCall<In<T[K]>, Out<T[K]>>
            : T[K] extends { methodKind: "bidi_streaming" }
              ? grpc.handleBidiStreamingCall<In<T[K]>, Out<T[K]>>
              : never;
      }
    : never;

/** Registers a service with typed handlers. */
export function addService<T extends GenServiceMethods>(
  server: grpc.Server,
  service: GenService<T>,
  handlers: Handlers<GenService<T>>,
): void {
  server.addService(serviceDefinition(service), handlers as unknown as grpc.UntypedServiceImplementation);
}

function serializer<D extends DescMessage>(schema: D): (init: MessageInitShape<D>) => Buffer {
  return (init) => {
    const bytes = toBinary(schema, create(schema, init));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function deserializer<D extends DescMessage>(schema: D): (bytes: Buffer) => MessageShape<D> {
  return (bytes) => fromBinary(schema, bytes);
}
