import { useMemo, useState } from "react";
import { Link } from "wouter";

import { ErrorText, Loading } from "../app/Feedback";
import { useTitle } from "../app/title";
import { useAbout, useRequest } from "./data";
import { clock, dateAndClock, text, timeOf, type Line } from "./fields";
import { lanesOf } from "./lanes";
import { Trace } from "./Trace";
import { EVERYTHING, kibanaAddress, requestQuery } from "./view";

/** All lines of a request, in every service that it came to. */
export default function Request({ id }: { id: string }) {
  useTitle("One request");
  const [now, setNow] = useState(() => Date.now());
  const found = useRequest(id, now);
  const about = useAbout().data;
  const lines = found.data?.lines ?? [];
  const last = lines.at(-1);
  return (
    <>
      <h1>One request</h1>
      <p className="row">
        <code>{id}</code>
        <button className="quiet" onClick={() => setNow(Date.now())}>
          Refresh
        </button>
        {about?.kibana_url && last && (
          <a
            href={kibanaAddress(
              about.kibana_url,
              about.group,
              { ...EVERYTHING, q: requestQuery(id) },
              {
                since: new Date(timeOf(lines[0] ?? last) - 60_000).toISOString(),
                until: new Date(timeOf(last) + 60_000).toISOString(),
              },
            )}
            target="_blank"
            rel="noreferrer"
          >
            In Kibana
          </a>
        )}
      </p>
      {found.error && <ErrorText error={found.error} />}
      {found.isPending && <Loading />}
      {found.data && lines.length === 0 && (
        <p>No line names this request within the last 30 days. A line can be found two seconds after it is written.</p>
      )}
      {lines.length > 0 && <Timeline lines={lines} />}
      {found.data?.next && <p className="muted">These are its first {lines.length.toLocaleString()} lines.</p>}
    </>
  );
}

function Timeline({ lines }: { lines: readonly Line[] }) {
  const { begin, milliseconds, lanes } = useMemo(() => lanesOf(lines), [lines]);
  return (
    <>
      <p>
        {lines.length.toLocaleString()} lines of {lanes.map(({ service }) => service).join(", ")} within{" "}
        {Math.round(milliseconds).toLocaleString()} ms, from {dateAndClock(begin)} on
      </p>
      <div className="panel lanes" role="img" aria-label="When each service had to do with the request">
        {lanes.map(({ service, marks }) => (
          <div key={service} className="lane">
            <span>{service}</span>
            <div>
              {marks.map(({ line, left, width }) => (
                <i
                  key={line.id}
                  className={text(line, "log_level").toLowerCase()}
                  style={{ left: `${left}%`, width: `max(4px, ${width}%)` }}
                  title={text(line, "log_message")}
                />
              ))}
            </div>
          </div>
        ))}
      </div>
      <ol className="request-lines">
        {lines.map((line) => (
          <li key={line.id} className={text(line, "log_level").toLowerCase()}>
            <span className="offset" title={clock(timeOf(line))}>
              +{Math.round(timeOf(line) - begin).toLocaleString()} ms
            </span>
            <b>{text(line, "log_level")}</b>
            <span className="service">{text(line, "service")}</span>
            <span className="logger">{text(line, "logger_name")}</span>
            <Link className="message" href={`/?line=${encodeURIComponent(line.id)}`}>
              {text(line, "log_message") || "—"}
            </Link>
            {text(line, "error.stack_trace") !== "" && (
              <details>
                <summary>Traceback: {text(line, "error.type")}</summary>
                <Trace text={text(line, "error.stack_trace")} />
              </details>
            )}
          </li>
        ))}
      </ol>
    </>
  );
}
