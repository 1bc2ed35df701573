import { useEffect, useId, useRef, useState } from "react";
import { Link } from "wouter";

import { ErrorText, Loading } from "../app/Feedback";
import { useAbout, useLine, useSurrounding } from "./data";
import { dateAndClock, flattened, text, timeOf, type Line } from "./fields";
import { Row } from "./Lines";
import { Trace } from "./Trace";
import { EVERYTHING, kibanaAddress, quoted, type View } from "./view";

const MINUTE = 60_000;

/** All of a line, beside the list. */
export function LineDialog({
  id,
  address,
  onClose,
  onNarrow,
}: {
  id: string;
  address: string;
  onClose: () => void;
  onNarrow: (field: string, value: string, without: boolean) => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const line = useLine(id);
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  return (
    // A click beside the dialog closes it; keys have Escape and the button.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={dialog}
      className="line-dialog"
      aria-labelledby={titleId}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current.close()}
    >
      <div>
        <header className="row spread">
          <h2 id={titleId}>{line.data ? dateAndClock(timeOf(line.data)) : "Line"}</h2>
          <button className="quiet" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        {line.error && <ErrorText error={line.error} />}
        {line.isPending && <Loading />}
        {line.data && <Body line={line.data} address={address} onNarrow={onNarrow} />}
      </div>
    </dialog>
  );
}

function Body({
  line,
  address,
  onNarrow,
}: {
  line: Line;
  address: string;
  onNarrow: (field: string, value: string, without: boolean) => void;
}) {
  const about = useAbout().data;
  const requestId = text(line, "request_id") || text(line, "context.client.request_id");
  const trace = text(line, "error.stack_trace");
  const time = timeOf(line);
  const view: View = { ...EVERYTHING, q: `_id:${quoted(line.id)}` };
  const period = { since: new Date(time - MINUTE).toISOString(), until: new Date(time + MINUTE).toISOString() };
  return (
    <>
      <p className={`line-title ${text(line, "log_level").toLowerCase()}`}>
        <b>{text(line, "log_level")}</b> {text(line, "service")} <code>{text(line, "logger_name")}</code>
      </p>
      <p className="line-message">{text(line, "log_message")}</p>
      <p className="row">
        {requestId !== "" && <Link href={`/requests/${encodeURIComponent(requestId)}`}>All lines of this request</Link>}
        {about?.kibana_url && (
          <a href={kibanaAddress(about.kibana_url, about.group, view, period)} target="_blank" rel="noreferrer">
            In Kibana
          </a>
        )}
      </p>
      {trace !== "" && (
        <>
          <h3>Traceback</h3>
          <Trace text={trace} />
        </>
      )}
      <Surrounding key={line.id} id={line.id} address={address} />
      <h3>Fields</h3>
      <table className="line-fields">
        <tbody>
          {flattened(line.fields)
            .filter(([name]) => name !== "error.stack_trace")
            .map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{value}</td>
                <td className="actions">
                  {!["message", "log_message", "@timestamp", "error.message"].includes(name) && value !== "" && (
                    <>
                      <button
                        className="quiet"
                        onClick={() => onNarrow(name, value, false)}
                        aria-label={`Only ${name} ${value}`}
                      >
                        +
                      </button>
                      <button
                        className="quiet"
                        onClick={() => onNarrow(name, value, true)}
                        aria-label={`Not ${name} ${value}`}
                      >
                        −
                      </button>
                    </>
                  )}
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </>
  );
}

const STEP = 10;
const MOST = 100;

/** The lines that stand around this one in its file, on demand. */
function Surrounding({ id, address }: { id: string; address: string }) {
  const [size, setSize] = useState(0);
  return (
    <section aria-label="Surrounding lines">
      {size > 0 && <SurroundingLines id={id} size={size} address={address} />}
      {size < MOST && (
        <button className="quiet" onClick={() => setSize(Math.min(MOST, size === 0 ? STEP : size * 2))}>
          {size === 0 ? "Surrounding lines" : "More of them"}
        </button>
      )}
    </section>
  );
}

function SurroundingLines({ id, size, address }: { id: string; size: number; address: string }) {
  const found = useSurrounding(id, size);
  if (found.error) return <ErrorText error={found.error} />;
  if (!found.data) return <Loading />;
  const { before, line, after } = found.data;
  return (
    <>
      <h3>Surrounding lines of {text(line, "log.file.path").split("/").slice(-2).join("/") || "its sender"}</h3>
      <ol className="surrounding">
        {[...before, line, ...after].map((one) => (
          <li key={one.id} aria-current={one.id === id || undefined}>
            <Row line={one} address={address} />
          </li>
        ))}
      </ol>
    </>
  );
}
