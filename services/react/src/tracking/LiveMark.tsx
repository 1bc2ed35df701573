import type { Connection } from "./live";

const WORDS: Record<Connection, string> = {
  connecting: "Connecting…",
  open: "Live",
  lost: "Not live: trying again",
  refused: "Not live: sign in again",
};

export function LiveMark({ connection }: { connection: Connection }) {
  return (
    <span className={`live ${connection}`} role="status">
      {WORDS[connection]}
    </span>
  );
}
