// The lines of a live tail, as they come.

import { timeOf, type Line } from "./fields";

export const MAX_TAIL = 2000;

/** Lines that are new put before those that are there, newest first; the oldest go when there are too many. */
export function joined(there: readonly Line[], come: readonly Line[]): readonly Line[] {
  const known = new Set(there.map((line) => line.id));
  const fresh = come.filter((line) => !known.has(line.id));
  if (fresh.length === 0) return there;
  return [...fresh, ...there].sort((a, b) => timeOf(b) - timeOf(a)).slice(0, MAX_TAIL);
}

/** What follows the first answer of a tail. */
export interface Position {
  /** What the next question begins after. */
  after: string;
  latest: string;
}

/**
 * Each question begins where the one before the last did, and what comes twice is dropped: of lines that are stored at
 * the same moment a later one may be seen before an earlier one. A full answer goes on from its end.
 */
export function advanced(position: Position | null, answer: { next: string; more: boolean }): Position {
  if (position === null || answer.more) return { after: answer.next, latest: answer.next };
  return { after: position.latest, latest: answer.next };
}
