import { useId, useState } from "react";

import { SPANS, type Period, type View } from "./view";

/** The period: a span that ends now, or from one time to another. */
export function PeriodChoice({
  view,
  period,
  onPeriod,
}: {
  view: View;
  period: Period;
  onPeriod: (from: string, to: string) => void;
}) {
  const [editing, setEditing] = useState(false);
  const [since, setSince] = useState("");
  const [until, setUntil] = useState("");
  const id = useId();
  const absolute = view.to !== "";
  const wrong = since !== "" && until !== "" && since >= until;

  function choose(choice: string) {
    if (choice !== "absolute") {
      setEditing(false);
      onPeriod(choice, "");
    } else {
      setSince(localTime(period.since));
      setUntil(localTime(period.until));
      setEditing(true);
    }
  }

  return (
    <div className="period">
      <select
        aria-label="Period"
        value={absolute || editing ? "absolute" : view.from}
        onChange={(event) => choose(event.target.value)}
      >
        {Object.entries(SPANS).map(([span, words]) => (
          <option key={span} value={span}>
            Last {words}
          </option>
        ))}
        <option value="absolute">From … to …</option>
      </select>
      {(absolute || editing) && (
        <form
          className="row"
          key={absolute ? period.since + period.until : ""}
          onSubmit={(event) => {
            event.preventDefault();
            if (since === "" || until === "" || wrong) return;
            setEditing(false);
            onPeriod(new Date(since).toISOString(), new Date(until).toISOString());
          }}
        >
          <input
            type="datetime-local"
            step="1"
            aria-label="From"
            aria-invalid={wrong}
            aria-describedby={wrong ? id : undefined}
            value={editing ? since : localTime(period.since)}
            onChange={(event) => edit(event.target.value, editing ? until : localTime(period.until))}
          />
          <input
            type="datetime-local"
            step="1"
            aria-label="To"
            aria-invalid={wrong}
            value={editing ? until : localTime(period.until)}
            onChange={(event) => edit(editing ? since : localTime(period.since), event.target.value)}
          />
          {editing && <button disabled={wrong}>Show</button>}
          {wrong && (
            <small id={id} className="error">
              It ends before it begins.
            </small>
          )}
        </form>
      )}
    </div>
  );

  function edit(from: string, to: string) {
    setSince(from);
    setUntil(to);
    setEditing(true);
  }
}

/** As datetime-local inputs have it: local, without a zone. */
function localTime(iso: string): string {
  const time = new Date(iso);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
