// The core's public surface. Everything outside src/core imports from here.
export {
  joinBindAddress,
  overlaps,
  parseAddress,
  parseBackendAddress,
  parseBindAddress,
  type SocketAddress,
} from "./address.ts";
export { isAdminListener } from "./admin-listener.ts";
export { type Applied, applyDiff, COMMAND_FIELDS, type Refused } from "./apply.ts";
export { backendRoom, readBackend, writeBackend } from "./backend-bytes.ts";
export { commandsOf, effectsOf, inverseOf, type ResourceChange } from "./change.ts";
export { DEFAULT_PRIORITY, DEFAULT_WEIGHT, shutdownGraceMs } from "./defaults.ts";
export { commandsFor, type Difference, differences, diffStates, stateFromConfig } from "./diff.ts";
export {
  addHash,
  type Digest,
  digestBytes,
  digestHex,
  emptyDigest,
  etagOf,
  hashBytes,
  hashResource,
  type ResourceHash,
  ResourceHasher,
  subtractHash,
} from "./digest.ts";
export {
  assert,
  assertNever,
  type ConfigError,
  type ErrorCode,
  InvariantError,
  quote,
  type Subject,
} from "./error.ts";
export { type Fields, fieldValue, isPresent, withField } from "./field.ts";
export { type FileDiff, type FileOrder, fileDiffOf } from "./file-diff.ts";
export { invertDiff } from "./invert.ts";
export * as limits from "./limits.ts";
export { type Ignored, ignoredIn, type Liveness, livenessOf, resourceName } from "./liveness.ts";
export { changedFields } from "./mask.ts";
export { stateFromConfigNear } from "./near.ts";
export { keyAfter, keyBetween } from "./order.ts";
export { Pattern } from "./pattern.ts";
export { isSecretName, REDACTED, redactMessage, redactText } from "./redact.ts";
export { type Reference, referencesOf, referenceText, scopeName, scopeOf } from "./references.ts";
export {
  COLLECTION_FIELDS,
  type CollectionKind,
  commandNoun,
  decodeResource,
  encodeResource,
  isSingleton,
  KIND_NAMES,
  type Kind,
  keyText,
  OPTIONAL_KINDS,
  type OptionalKind,
  PLAIN_KINDS,
  type PlainKind,
  type Resource,
  type ResourceKey,
  resourceBytes,
  SINGLETON_FIELDS,
  type SingletonKind,
  schemaOf,
  singletonKey,
  type ValueOf,
} from "./resource.ts";
export { type Image, stateFromImages } from "./restore.ts";
export { routeSignature } from "./signature.ts";
export { elements } from "./sorted-list.ts";
export {
  appendResource,
  eachResource,
  emptyState,
  findResource,
  type Located,
  resources,
  type State,
  toConfigState,
} from "./state.ts";
export { nearest, suggestion } from "./suggest.ts";
export {
  type NotTakenIn,
  type TakeInPolicy,
  type TakeInStates,
  type TakenIn,
  takeIn,
  takeInDiff,
} from "./take-in.ts";
export type { Conflict, FileChange, Kept } from "./take-in-report.ts";
export { contradictionIn } from "./warnings.ts";
