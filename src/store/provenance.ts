// Who last changed each resource, and when: kept beside the state, never in it,
// so that it is in no diff and no digest.
import { keyText, type ResourceChange, type ResourceKey } from "../core/index.ts";

/** The origin of a resource as it is now. */
export interface Origin {
  readonly revision: bigint;
  /** "FILE:LINE" for the file, else the actor. */
  readonly text: string;
}

/** See the head of this file. */
export class Provenance {
  readonly #origins = new Map<string, Origin>();

  /** The origin of a resource, if it was ever written. */
  of(key: ResourceKey): Origin | undefined {
    return this.#origins.get(keyText(key));
  }

  /** Takes over what is known of a resource from before. */
  restore(key: ResourceKey, origin: Origin): void {
    this.#origins.set(keyText(key), origin);
  }

  /** Records a committed change; `origin` names the source of one resource. */
  record(revision: bigint, changes: readonly ResourceChange[], origin: (key: ResourceKey) => string): void {
    for (const { key, after } of changes) {
      if (after === undefined) this.#origins.delete(keyText(key));
      else this.#origins.set(keyText(key), { revision, text: origin(key) });
    }
  }
}
