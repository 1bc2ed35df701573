import { useEffect, useRef, useState } from "react";

import { ErrorText } from "../app/Feedback";
import { logs } from "../app/logs";
import { download, save } from "./download";
import { parametersOf, type Period, type View } from "./view";

const logger = logs.logger("explorer");

type State =
  | { kind: "idle"; error?: Error }
  | { kind: "running"; lines: number; total: number; stop: AbortController }
  | { kind: "done"; lines: number };

/** The view's lines as a file, with progress. */
export function Export({ view, period }: { view: View; period: Period }) {
  const [state, setState] = useState<State>({ kind: "idle" });
  const shown = useRef(0);
  const running = useRef<AbortController>(null);
  useEffect(() => () => running.current?.abort(), []);

  async function run(kind: "csv" | "ndjson") {
    const stop = new AbortController();
    running.current = stop;
    const address = new URL("/api/logs/explorer/export/", location.origin);
    for (const [name, value] of Object.entries({ ...parametersOf(view), ...period, kind })) {
      for (const one of [value].flat()) address.searchParams.append(name, String(one));
    }
    setState({ kind: "running", lines: 0, total: 0, stop });
    let lines = 0;
    const progress = (done: number, total: number) => {
      lines = done;
      // A chunk comes every few milliseconds.
      if (performance.now() - shown.current < 100) return;
      shown.current = performance.now();
      setState({ kind: "running", lines, total, stop });
    };
    try {
      save(await download(address.href, progress, stop.signal));
      logger.info("Lines exported", { kind, lines });
      setState({ kind: "done", lines });
    } catch (error) {
      if (stop.signal.aborted) setState({ kind: "idle" });
      else setState({ kind: "idle", error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  return (
    <div className="export">
      {state.kind === "running" ? (
        <>
          <progress
            aria-label="Export"
            value={state.total === 0 ? undefined : state.lines}
            max={state.total || undefined}
          />
          <span className="muted">
            {state.lines.toLocaleString()} of {state.total.toLocaleString()}
          </span>
          <button className="quiet" onClick={() => state.stop.abort()}>
            Stop
          </button>
        </>
      ) : (
        <>
          <button className="quiet" onClick={() => void run("csv")}>
            CSV
          </button>
          <button className="quiet" onClick={() => void run("ndjson")}>
            NDJSON
          </button>
          <span role="status" className="muted">
            {state.kind === "done" && `${state.lines.toLocaleString()} lines exported`}
          </span>
          {state.kind === "idle" && state.error && <ErrorText error={state.error} />}
        </>
      )}
    </div>
  );
}
