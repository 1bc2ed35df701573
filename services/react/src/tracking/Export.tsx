import type { Schemas } from "../api/client";
import { ErrorText } from "../app/Feedback";
import { save } from "./download";
import { isFinished, useDownloadExport, useExport, useStartExport } from "./queries";

/** Has a task write the file, shows how far it is, and saves it. */
export function Export({ query }: { query: string }) {
  const start = useStartExport();
  if (start.data) return <Progress started={start.data} />;
  return (
    <div className="fields">
      <p>{query === "" ? "All parcels" : "The parcels that the list now shows, on all of its pages"}, in one file.</p>
      {start.error && <ErrorText error={start.error} />}
      <button onClick={() => start.mutate(query)} disabled={start.isPending}>
        Start
      </button>
    </div>
  );
}

const STATES: Record<Schemas["JobStateEnum"], string> = {
  queued: "Waiting for a worker",
  running: "Being written",
  done: "Ready",
  failed: "Failed",
};

function Progress({ started }: { started: Schemas["Export"] }) {
  const { data: now = started, error } = useExport(started.id);
  const download = useDownloadExport();
  return (
    <div className="fields">
      <label>
        <span role="status">
          {STATES[now.state]}
          {now.rows !== null && `: ${now.rows} rows`}
        </span>
        <progress max={100} value={now.progress} />
      </label>
      {now.error && <p className="error">{now.error}</p>}
      {error && !isFinished(now) && <ErrorText error={error} />}
      {download.error && <ErrorText error={download.error} />}
      <button
        disabled={now.state !== "done" || download.isPending}
        onClick={() =>
          download.mutate(now.id, { onSuccess: (file) => save(file, `parcels-${now.id}.csv`, "text/csv") })
        }
      >
        Save the file
      </button>
    </div>
  );
}
