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
  /** What is known from before and not in `#origins` yet; the last one is the next. */
  #restored: (readonly [ResourceKey, Origin])[] = [];
  /** Resources that changed since. */
  readonly #changed = new Set<string>();

  /** The origin of a resource, if it was ever written. */
  of(key: ResourceKey): Origin | undefined {
    this.settle();
    return this.#origins.get(keyText(key));
  }

  /** Takes over what is known of resources from before; what follows does not wait for it. */
  restore(origins: (readonly [ResourceKey, Origin])[]): void {
    this.#restored = origins;
  }

  /** Files at most `count` of what was restored, by default all; whether there is more. */
  settle(count = Number.POSITIVE_INFINITY): boolean {
    for (let i = 0; i < count; i++) {
      const next = this.#restored.pop();
      if (next === undefined) {
        this.#changed.clear();
        return false;
      }
      const text = keyText(next[0]);
      if (!this.#changed.has(text)) this.#origins.set(text, next[1]);
    }
    return true;
  }

  /** Records a committed change; `origin` names the source of one resource. */
  record(revision: bigint, changes: readonly ResourceChange[], origin: (key: ResourceKey) => string): void {
    const isSettled = this.#restored.length === 0;
    for (const { key, after } of changes) {
      if (!isSettled) this.#changed.add(keyText(key));
      if (after === undefined) this.#origins.delete(keyText(key));
      else this.#origins.set(keyText(key), { revision, text: origin(key) });
    }
  }
}
