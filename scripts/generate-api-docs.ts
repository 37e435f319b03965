// Writes docs/api.md from the descriptors that buf wrote, comments included:
// the protos are the reference, this is the same to read on one page. Part of
// `npm run proto`; a test compares the file with what this returns.
import { readFileSync, writeFileSync } from "node:fs";
import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  ScalarType,
} from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const PACKAGE = "sentinel.v1";
const ROOT = new URL("..", import.meta.url);
/** Files in reading order. */
const FILES = ["control", "commands", "resources", "events", "reload"].map(
  (name) => `sentinel/v1/${name}.proto`,
);
/** Field numbers in descriptor.proto, which locations are made of. */
const IN_FILE = { syntax: 12, message: 4, enum: 5, service: 6 } as const;
const IN_MESSAGE = { field: 2, nested: 3, enum: 4, oneof: 8 } as const;
const FIRST = 2;

type Registry = ReturnType<typeof createFileRegistry>;

/** The page for a FileDescriptorSet with source information. */
export function generateApiDocs(bytes: Uint8Array): string {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  return new ApiPage(registry).text();
}

class ApiPage {
  readonly #messages: DescMessage[] = [];
  readonly #enums: DescEnum[] = [];
  readonly #services: DescService[] = [];
  /** Type or member name → comment. */
  readonly #comments = new Map<string, string>();
  /** What the file of the service says before its syntax line. */
  #about = "";

  constructor(registry: Registry) {
    for (const name of FILES) {
      const file = registry.getFile(name);
      if (file === undefined) throw new Error(`${name} is not in the descriptors`);
      this.#services.push(...file.services);
      for (const message of file.messages) this.#addMessage(message);
      this.#enums.push(...file.enums);
      this.#readComments(file.proto);
    }
  }

  text(): string {
    const methods = this.#services.flatMap((service) => service.methods);
    const own = new Set(methods.flatMap(({ input, output }) => [input, output]));
    const shared = this.#messages.filter((message) => !own.has(message));
    const [about, ...more] = this.#about.split("\n\n");
    const parts = [
      "# Control API",
      "This page is made from the `.proto` files in `proto/sentinel/v1` by `npm run proto`: change those. How to use the API: [control-planes.md](control-planes.md).",
      `Package \`${PACKAGE}\`. ${about}`,
      ...more.filter((part) => !part.startsWith("Errors carry")),
      this.#contents(methods, shared),
      "## Errors",
      errors(more.find((part) => part.startsWith("Errors carry")) ?? ""),
      "## Calls",
      ...this.#services.map((service) => `\`${service.typeName}\`. ${this.#comment(service.typeName)}`),
      ...methods.flatMap((method) => this.#method(method)),
      "## Messages",
      ...shared.flatMap((message) => this.#message(message)),
      "## Enums",
      ...this.#enums.flatMap((desc) => this.#enum(desc)),
    ];
    return `${parts.join("\n\n")}\n`;
  }

  #contents(methods: readonly DescMethod[], shared: readonly DescMessage[]): string {
    const links = (names: readonly string[]) =>
      names.map((name) => `[${name}](#${anchor(name)})`).join(" · ");
    const calls = methods.map(({ name }) => `[${name}](#${anchor(callTitle(name))})`).join(" · ");
    return [
      "## Contents",
      "- [Errors](#errors)",
      `- [Calls](#calls): ${calls}`,
      `- [Messages](#messages): ${links(shared.map(titleOf))}`,
      `- [Enums](#enums): ${links(this.#enums.map(titleOf))}`,
    ]
      .join("\n")
      .replace("\n", "\n\n");
  }

  #method(method: DescMethod): string[] {
    const stream = method.methodKind === "server_streaming" ? "stream of " : "";
    return [
      `### ${callTitle(method.name)}`,
      this.#comment(`${method.parent.typeName}.${method.name}`),
      `**Request** \`${method.input.name}\``,
      this.#fields(method.input),
      `**Answer** ${stream}\`${method.output.name}\``,
      this.#fields(method.output),
    ];
  }

  #message(message: DescMessage): string[] {
    return [`### ${titleOf(message)}`, this.#comment(message.typeName), this.#fields(message)];
  }

  #fields(message: DescMessage): string {
    if (message.fields.length === 0) return "No fields.";
    const rows = message.fields.map((field) => {
      const choice = field.oneof === undefined ? "" : ` *One of \`${field.oneof.name}\`.*`;
      const comment = this.#comment(`${message.typeName}.${field.name}`);
      return `| \`${field.name}\` | ${field.number} | ${typeText(field)} | ${cell(comment)}${choice} |`;
    });
    const oneofs = message.oneofs.map((oneof) => {
      return `One of \`${oneof.name}\`: ${this.#comment(`${message.typeName}.${oneof.name}`)}`;
    });
    const table = ["| field | no. | type | meaning |", "|---|---|---|---|", ...rows].join("\n");
    return [...oneofs, table].join("\n\n");
  }

  #enum(desc: DescEnum): string[] {
    const rows = desc.values.map(
      ({ name, number }) =>
        `| \`${name}\` | ${number} | ${cell(this.#comment(`${desc.typeName}.${name}`))} |`,
    );
    return [
      `### ${titleOf(desc)}`,
      this.#comment(desc.typeName),
      ["| value | no. | meaning |", "|---|---|---|", ...rows].join("\n"),
    ];
  }

  #addMessage(message: DescMessage): void {
    this.#messages.push(message);
    this.#enums.push(...message.nestedEnums);
    for (const nested of message.nestedMessages) this.#addMessage(nested);
  }

  #comment(name: string): string {
    const text = this.#comments.get(name);
    if (text === undefined || text === "") throw new Error(`${name} has no comment`);
    return escaped(text);
  }

  #readComments(file: FileDescriptorProto): void {
    for (const { path, leadingComments, leadingDetachedComments } of file.sourceCodeInfo?.location ?? []) {
      const text = [...leadingDetachedComments, leadingComments].map(plain).filter((part) => part !== "");
      if (path.length === 1 && path[0] === IN_FILE.syntax && file.name === FILES[0]) {
        this.#about = text.join("\n\n");
      }
      const name = nameAt(file, path);
      if (name !== undefined) this.#comments.set(name, plain(leadingComments));
    }
  }
}

/** The full name of what a location is about; undefined for anything that has no comment here. */
function nameAt(file: FileDescriptorProto, path: readonly number[]): string | undefined {
  if (path.length % 2 !== 0 || path.length === 0) return undefined;
  const [where, index, ...rest] = path as [number, number, ...number[]];
  const name = (text: string | undefined) => (text === undefined ? undefined : `${file.package}.${text}`);
  if (where === IN_FILE.message) return name(nameInMessage(file.messageType[index]!, rest));
  if (where === IN_FILE.enum) {
    const desc = file.enumType[index]!;
    return name(memberName(desc.name, rest, (i) => desc.value[i]?.name));
  }
  if (where === IN_FILE.service) {
    const desc = file.service[index]!;
    return name(memberName(desc.name, rest, (i) => desc.method[i]?.name));
  }
  return undefined;
}

function nameInMessage(
  message: FileDescriptorProto["messageType"][number],
  path: readonly number[],
): string | undefined {
  const [where, index, ...rest] = path;
  if (where === undefined || index === undefined) return message.name;
  const inner = () => {
    if (where === IN_MESSAGE.nested) return nameInMessage(message.nestedType[index]!, rest);
    const desc = message.enumType[index]!;
    return memberName(desc.name, rest, (i) => desc.value[i]?.name);
  };
  if (where === IN_MESSAGE.nested || where === IN_MESSAGE.enum) {
    const found = inner();
    return found === undefined ? undefined : `${message.name}.${found}`;
  }
  if (rest.length > 0) return undefined;
  if (where === IN_MESSAGE.field) return `${message.name}.${message.field[index]!.name}`;
  return where === IN_MESSAGE.oneof ? `${message.name}.${message.oneofDecl[index]!.name}` : undefined;
}

/** Values of an enum and methods of a service both are field 2. */
function memberName(
  owner: string,
  path: readonly number[],
  nameOf: (index: number) => string | undefined,
): string | undefined {
  if (path.length === 0) return owner;
  return path.length === 2 && path[0] === FIRST ? `${owner}.${nameOf(path[1]!)}` : undefined;
}

/** A comment as paragraphs of one line each. */
function plain(comment: string): string {
  return comment
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim().replace(/\s*\n\s*/g, " "))
    .filter((paragraph) => paragraph !== "")
    .join("\n\n");
}

function cell(text: string): string {
  return text.replaceAll("\n\n", "<br>").replaceAll("|", "\\|");
}

/** Comments are plain text but for code spans: nothing else in them is Markdown. */
function escaped(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[\\*[\]<]/g, "\\$&")))
    .join("");
}

/** "repeated [Backend](#backend)", "optional string". */
function typeText(field: DescField): string {
  const name = (type: DescMessage | DescEnum) =>
    type.file.proto.package === PACKAGE ? `[${titleOf(type)}](#${anchor(titleOf(type))})` : type.typeName;
  const scalar = (type: ScalarType) => ScalarType[type].toLowerCase();
  const of = field.message ?? field.enum;
  const single = of === undefined ? scalar(field.scalar!) : name(of);
  if (field.fieldKind === "list") return `repeated ${single}`;
  return field.proto.proto3Optional ? `optional ${single}` : single;
}

/** "Effect.Action" for a nested type: the name without its package. */
function titleOf(type: DescMessage | DescEnum): string {
  return type.typeName.slice(PACKAGE.length + 1);
}

/** Calls and commands have the same names, and headings must differ. */
function callTitle(name: string): string {
  return `Call ${name}`;
}

function anchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

/** "Errors carry …: STATUS reason, reason; STATUS reason." as a sentence and a table. */
function errors(text: string): string {
  const [sentence = "", list = ""] = text.split(/:\s(?=[A-Z_]+ )/);
  const rows = list
    .replace(/\.$/, "")
    .split("; ")
    .flatMap((entry) => {
      const [status = "", reasons = ""] = entry.trim().split(/ (.*)/);
      return reasons.split(", ").map((reason) => `| \`${reason}\` | ${status} |`);
    });
  return [`${sentence}.`, ["| reason | gRPC status |", "|---|---|", ...rows].join("\n")].join("\n\n");
}

if (import.meta.main) {
  writeFileSync(
    new URL("docs/api.md", ROOT),
    generateApiDocs(readFileSync(new URL("src/gen/api.binpb", ROOT))),
  );
}
