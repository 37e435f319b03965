// gRPC server reflection, v1 and v1alpha, from the descriptors that buf wrote,
// comments included, so that `grpcurl describe` explains the API.
import { readFileSync } from "node:fs";
import { createFileRegistry, type DescFile, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from "../gen/grpc/reflection/v1/reflection_pb.ts";
import { serviceDefinition } from "../grpc/service-definition.ts";

type Answer = Pick<ServerReflectionResponse, "messageResponse">["messageResponse"];

/** Adds both reflection services; `listed` are the service names to announce besides reflection itself. */
export function addReflection(server: grpc.Server, listed: readonly string[]): void {
  const index = new DescriptorIndex([...listed, ServerReflection.typeName]);
  const handlers = {
    serverReflectionInfo(call: grpc.ServerDuplexStream<ServerReflectionRequest, object>) {
      call.on("data", (request: ServerReflectionRequest) => {
        const messageResponse = index.answer(request.messageRequest);
        const isFull = !call.write({ validHost: request.host, originalRequest: request, messageResponse });
        if (!isFull) return;
        // Who does not read gets no more answers.
        call.pause();
        call.once("drain", () => call.resume());
      });
      call.on("end", () => call.end());
      call.on("error", () => {});
    },
  };
  const v1 = serviceDefinition(ServerReflection);
  server.addService(v1, handlers);
  // v1alpha has the same messages under another path; older grpcurl asks for it.
  const path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  server.addService({ serverReflectionInfo: { ...v1["serverReflectionInfo"]!, path } }, handlers);
}

/** Files by name and by the symbols they define. */
class DescriptorIndex {
  readonly #listed: readonly string[];
  readonly #files = new Map<string, DescFile>();
  readonly #bySymbol = new Map<string, DescFile>();

  constructor(listed: readonly string[]) {
    this.#listed = listed;
    const bytes = readFileSync(new URL("../gen/api.binpb", import.meta.url));
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
    for (const file of registry.files) this.#files.set(file.proto.name, file);
    for (const type of registry) this.#bySymbol.set(type.typeName, type.file);
    for (const type of registry) {
      const members = type.kind === "service" ? type.methods : type.kind === "message" ? type.fields : [];
      for (const member of members) this.#bySymbol.set(`${type.typeName}.${member.name}`, type.file);
    }
  }

  answer(question: ServerReflectionRequest["messageRequest"]): Answer {
    switch (question.case) {
      case "listServices": {
        const service = this.#listed.map((name) => ({
          $typeName: "grpc.reflection.v1.ServiceResponse" as const,
          name,
        }));
        const value = { $typeName: "grpc.reflection.v1.ListServiceResponse" as const, service };
        return { case: "listServicesResponse", value };
      }
      case "fileByFilename":
        return this.#closure(this.#files.get(question.value), `file not found: ${question.value}`);
      case "fileContainingSymbol":
        return this.#closure(this.#bySymbol.get(question.value), `symbol not found: ${question.value}`);
      case "fileContainingExtension":
        return notFound("there are no extensions");
      case "allExtensionNumbersOfType": {
        const value = {
          $typeName: "grpc.reflection.v1.ExtensionNumberResponse" as const,
          baseTypeName: question.value,
          extensionNumber: [],
        };
        return { case: "allExtensionNumbersResponse", value };
      }
      default:
        return notFound("unknown reflection request", grpc.status.UNIMPLEMENTED);
    }
  }

  /** A file with everything it imports, or the error. */
  #closure(root: DescFile | undefined, missing: string): Answer {
    if (root === undefined) return notFound(missing);
    const found = new Map<string, Uint8Array>();
    const visit = (file: DescFile) => {
      if (found.has(file.proto.name)) return;
      found.set(file.proto.name, toBinary(FileDescriptorProtoSchema, file.proto));
      file.dependencies.forEach(visit);
    };
    visit(root);
    const fileDescriptorProto = [...found.values()];
    return {
      case: "fileDescriptorResponse",
      value: { $typeName: "grpc.reflection.v1.FileDescriptorResponse", fileDescriptorProto },
    };
  }
}

function notFound(errorMessage: string, errorCode: number = grpc.status.NOT_FOUND): Answer {
  return {
    case: "errorResponse",
    value: { $typeName: "grpc.reflection.v1.ErrorResponse", errorCode, errorMessage },
  };
}
