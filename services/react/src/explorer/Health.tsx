import { useEffect, useState } from "react";
import { Link } from "wouter";

import type { Schemas } from "../api/client";
import { ErrorText, Loading } from "../app/Feedback";
import { useTitle } from "../app/title";
import { useHealth } from "./data";
import { GIVE_UP_MS, measure, WITNESSES } from "./way";

/** Whether lines arrive: each stream, each file, and how long a line is on its way. */
export default function Health() {
  useTitle("Health of the logs");
  const health = useHealth();
  return (
    <>
      <h1>Health of the log chain</h1>
      {health.error && <ErrorText error={health.error} />}
      {health.isPending && <Loading />}
      <Way />
      {health.data && (
        <>
          <Streams health={health.data} />
          <Files health={health.data} />
          <p className="muted">
            Elasticsearch answered in {health.data.search_ms} ms, as asked at{" "}
            {new Date(health.data.at).toLocaleTimeString()}.
          </p>
        </>
      )}
    </>
  );
}

function Way() {
  const [run, setRun] = useState(0);
  return (
    <section className="panel">
      <div className="row spread">
        <h2>A line’s way, from its file to the search</h2>
        <button className="quiet" onClick={() => setRun(run + 1)}>
          Measure again
        </button>
      </div>
      <Measured key={run} />
    </section>
  );
}

function Measured() {
  const [found, setFound] = useState<Record<string, number>>({});
  const [state, setState] = useState<"running" | "done" | Error>("running");
  useEffect(() => {
    const stop = new AbortController();
    measure((service, milliseconds) => setFound((before) => ({ ...before, [service]: milliseconds })), stop.signal)
      .then(() => setState("done"))
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setState(error instanceof Error ? error : new Error(String(error)));
      });
    return () => stop.abort();
  }, []);
  if (state instanceof Error) return <ErrorText error={state} />;
  return (
    <ul className="way" aria-live="polite">
      {WITNESSES.map((service) => {
        const milliseconds = found[service];
        return (
          <li key={service}>
            {service} → Filebeat → Logstash → Elasticsearch:{" "}
            {milliseconds !== undefined ? (
              <b>{(milliseconds / 1000).toFixed(1)} s</b>
            ) : state === "running" ? (
              "on its way …"
            ) : (
              <b className="error">not found within {GIVE_UP_MS / 1000} s</b>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Streams({ health }: { health: Schemas["Health"] }) {
  const now = Date.parse(health.at);
  return (
    <section>
      <h2>Streams</h2>
      {/* One that scrolls must be reached by keys. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="scrolls" role="region" aria-label="Streams" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Service</th>
              <th scope="col">Newest line</th>
              <th scope="col" className="number">
                Last minute
              </th>
              <th scope="col" className="number">
                Last day
              </th>
              <th scope="col">Not parsed</th>
            </tr>
          </thead>
          <tbody>
            {health.streams.map((stream) => (
              <tr key={stream.service}>
                <th scope="row">
                  <Link href={`/?service=${stream.service}`}>{stream.service}</Link>
                </th>
                <td>{stream.newest === null ? "none within a day" : `${ago(now - Date.parse(stream.newest))} ago`}</td>
                <td className="number">{stream.last_minute.toLocaleString()}</td>
                <td className="number">{stream.last_day.toLocaleString()}</td>
                <td>
                  {stream.failures.length === 0
                    ? "none"
                    : stream.failures.map(({ value, count }) => (
                        <Link
                          key={value}
                          className="error"
                          href={`/?${new URLSearchParams({ q: `tags:${value}`, service: stream.service, from: "1d" }).toString()}`}
                        >
                          {count.toLocaleString()} {value}{" "}
                        </Link>
                      ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** A file that was written this lately may still have lines on their way. */
const ON_THE_WAY_MS = 5000;

function Files({ health }: { health: Schemas["Health"] }) {
  const now = Date.parse(health.at);
  if (health.files === null) return <p className="muted">Django does not see the log files here.</p>;
  return (
    <section>
      <h2>Files</h2>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="scrolls" role="region" aria-label="Files" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col">Written</th>
              <th scope="col" className="number">
                Bytes
              </th>
              <th scope="col" className="number">
                Not in Elasticsearch yet
              </th>
            </tr>
          </thead>
          <tbody>
            {health.files.map((file) => {
              const age = now - Date.parse(file.written_at);
              const late = file.waiting > 0 && age > ON_THE_WAY_MS;
              return (
                <tr key={file.path}>
                  <th scope="row">{file.path}</th>
                  <td>{ago(age)} ago</td>
                  <td className="number">{file.size.toLocaleString()}</td>
                  <td className={late ? "number error" : "number"}>
                    {file.waiting.toLocaleString()}
                    {late && " — late"}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** A span of time in words: 4 s, 12 min, 3 h. */
export function ago(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds / 1000);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
