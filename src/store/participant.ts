// Participants of a commit: whoever has to get something ready before a change
// may be committed (sockets today, keys later).
import type { ConfigError, ResourceChange } from "../core/index.ts";

/** What a participant has prepared for one attempt. */
export interface Prepared {
  /** Undoes the preparation; called when the attempt is not committed. */
  release(): void;
}

/** Takes part in commits that concern it. */
export interface Participant {
  /** Whether the changes need preparation. */
  concerns(changes: readonly ResourceChange[]): boolean;
  /** Prepares, or says why it cannot; then nothing of it remains. Does not reject. */
  prepare(changes: readonly ResourceChange[]): Promise<Prepared | readonly ConfigError[]>;
}
