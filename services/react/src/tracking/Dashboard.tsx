import { useMemo } from "react";
import { Link } from "wouter";

import type { Schemas } from "../api/client";
import { ErrorText, Loading } from "../app/Feedback";
import { useTitle } from "../app/title";
import { Chart } from "./Chart";
import { useFigures } from "./queries";
import { StatusBadge, statuses } from "./status";

type Figures = Schemas["Figures"];

export default function Dashboard() {
  useTitle("Dashboard");
  const figures = useFigures();
  return (
    <>
      <h1>Dashboard</h1>
      {figures.error && <ErrorText error={figures.error} />}
      {figures.isPending && <Loading />}
      {figures.data && (
        <>
          <Tiles figures={figures.data} />
          <ByDay figures={figures.data} />
          <div className="columns">
            <ByStatus figures={figures.data} />
            <ByCarrier figures={figures.data} />
          </div>
        </>
      )}
    </>
  );
}

function Tiles({ figures }: { figures: Figures }) {
  const { parcels, stale, hours_to_delivery: hours } = figures;
  return (
    <dl className="tiles">
      <div className="panel">
        <dt>Parcels</dt>
        <dd>{parcels.toLocaleString()}</dd>
      </div>
      <div className="panel">
        <dt>Not seen for a week</dt>
        <dd className={stale > 0 ? "error" : undefined}>{stale.toLocaleString()}</dd>
      </div>
      <div className="panel">
        <dt>Hours to delivery, mean</dt>
        <dd>{hours === null ? "–" : hours.toLocaleString()}</dd>
      </div>
    </dl>
  );
}

function ByDay({ figures }: { figures: Figures }) {
  const { created_by_day: created, delivered_by_day: delivered } = figures;
  const days = useMemo(() => Object.keys(created).sort(), [created]);
  const series = useMemo(
    () => [
      { label: "Created", colour: "--accent", values: days.map((day) => created[day] ?? 0) },
      { label: "Delivered", colour: "--good", values: days.map((day) => delivered[day] ?? 0) },
    ],
    [days, created, delivered],
  );
  return (
    <section className="panel" aria-labelledby="by-day">
      <h2 id="by-day">By day</h2>
      <Chart
        days={days}
        series={series}
        label="Parcels created and delivered by day; the table below has the figures"
      />
      <details>
        <summary>The figures</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Day</th>
              {series.map(({ label }) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {days.map((day, index) => (
              <tr key={day}>
                <th scope="row">{day}</th>
                {series.map(({ label, values }) => (
                  <td key={label}>{values[index]}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}

function ByStatus({ figures }: { figures: Figures }) {
  const most = Math.max(1, ...Object.values(figures.by_status));
  return (
    <section className="panel" aria-labelledby="by-status">
      <h2 id="by-status">By status</h2>
      <table>
        <tbody>
          {statuses.map((status) => {
            const number = figures.by_status[status] ?? 0;
            return (
              <tr key={status}>
                <th scope="row">
                  <Link href={`/parcels?status=${status}`}>
                    <StatusBadge status={status} />
                  </Link>
                </th>
                <td className="bar">
                  <span className={`fill ${status}`} style={{ width: `${(100 * number) / most}%` }} />
                </td>
                <td className="number">{number.toLocaleString()}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function ByCarrier({ figures }: { figures: Figures }) {
  return (
    <section className="panel" aria-labelledby="by-carrier">
      <h2 id="by-carrier">By carrier</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Carrier</th>
            <th scope="col" className="number">
              Parcels
            </th>
            <th scope="col" className="number">
              Delivered
            </th>
            <th scope="col" className="number">
              Exceptions
            </th>
          </tr>
        </thead>
        <tbody>
          {figures.by_carrier.map(({ carrier, parcels, delivered, exceptions }) => (
            <tr key={carrier}>
              <th scope="row">{carrier}</th>
              <td className="number">{parcels.toLocaleString()}</td>
              <td className="number">{delivered.toLocaleString()}</td>
              <td className="number">{exceptions.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
