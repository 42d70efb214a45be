/** How a poll of a node ended: the node's health as the wire tells it, or `not_written` where the ledger did not take it. */
export type PollOutcome = string;

/** What is measured of the manager's own work, for whoever watches it; measuring never fails and decides nothing. */
export interface Meter {
  /** A poll of the node begins; the function is called with its outcome when it is over, written included. */
  polling(node: string): (outcome: PollOutcome) => void;
  /** A poll of the node was due while the one before was still under way. */
  pollSkipped(node: string): void;
  /** A transaction begins that writes polls, or what agents and people say; the function is called when it is over. */
  writing(what: 'polls' | 'calls'): () => void;
}

/** Measures nothing. */
export const noMeter: Meter = {
  polling: () => () => {},
  pollSkipped: () => {},
  writing: () => () => {},
};
