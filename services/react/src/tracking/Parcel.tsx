import { useState, type SubmitEvent } from "react";
import { Link } from "wouter";

import type { Schemas } from "../api/client";
import { useCredentials } from "../api/credentials";
import { ErrorText, Loading } from "../app/Feedback";
import { useTitle } from "../app/title";
import { save } from "./download";
import { text } from "./form";
import { useLive } from "./live";
import { LiveMark } from "./LiveMark";
import { Field } from "./ParcelForm";
import { useLabel, useOrderLabel, useParcel, useQuote, useRefresh, useScan, useTrack } from "./queries";
import { StatusBadge, STATUSES, statuses, type Status } from "./status";
import { Time } from "./time";
import { Timeline } from "./Timeline";

export default function Parcel({ reference }: { reference: string }) {
  useTitle(reference);
  const { tenant } = useCredentials();
  const parcel = useParcel(reference);
  const track = useTrack(reference);
  const refresh = useRefresh();
  const again = (): void => void refresh.parcel(reference);
  const connection = useLive(reference, { onEvent: again, onOpen: again });

  if (parcel.error) return <ErrorText error={parcel.error} />;
  if (parcel.isPending) return <Loading />;
  return (
    <>
      <p>
        <Link href="/parcels">All parcels</Link>
      </p>
      <div className="row spread">
        <h1>
          {reference} <StatusBadge status={parcel.data.status} />
        </h1>
        <LiveMark connection={connection} />
      </div>
      <div className="columns">
        <section className="panel" aria-labelledby="timeline">
          <h2 id="timeline">Timeline</h2>
          {track.error && <ErrorText error={track.error} />}
          {track.data && <Timeline scans={track.data.scans} />}
          <ScanForm reference={reference} />
        </section>
        <div className="fields">
          <section className="panel" aria-labelledby="parcel">
            <h2 id="parcel">Parcel</h2>
            <Details parcel={parcel.data} />
            <p>
              <Link href={`/t/${tenant}/${reference}`}>What its recipient sees</Link>
            </p>
          </section>
          <Label reference={reference} stored={parcel.data.label_key !== ""} />
          <Quote reference={reference} />
        </div>
      </div>
    </>
  );
}

function Details({ parcel }: { parcel: Schemas["Parcel"] }) {
  return (
    <dl>
      <dt>Recipient</dt>
      <dd>{parcel.recipient}</dd>
      <dt>Destination</dt>
      <dd>{parcel.destination}</dd>
      <dt>Carrier</dt>
      <dd>
        {parcel.carrier} {parcel.carrier_reference}
      </dd>
      <dt>Weight</dt>
      <dd>{((parcel.weight_grams ?? 0) / 1000).toLocaleString(undefined, { style: "unit", unit: "kilogram" })}</dd>
      <dt>Created</dt>
      <dd>
        <Time at={parcel.created_at} />
      </dd>
    </dl>
  );
}

function ScanForm({ reference }: { reference: string }) {
  const scan = useScan(reference);
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    const read = () => {
      const values = new FormData(form);
      return { location: text(values, "location"), status: text(values, "status") as Status };
    };
    const sent = read();
    scan.mutate(sent, {
      onSuccess: () => {
        // What has been typed meanwhile, for the next scan, stays.
        const { location, status } = read();
        if (location === sent.location && status === sent.status) form.reset();
      },
    });
  };
  return (
    <form className="row" onSubmit={submit} aria-label="Scan">
      <Field label="Location" name="location" required maxLength={200} autoComplete="off" />
      <label>
        Status
        <select name="status" defaultValue="in_transit">
          {statuses.map((status) => (
            <option key={status} value={status}>
              {STATUSES[status]}
            </option>
          ))}
        </select>
      </label>
      <button disabled={scan.isPending}>Add scan</button>
      {scan.error && <ErrorText error={scan.error} />}
    </form>
  );
}

const LABEL_WAIT = 1000; // milliseconds between two looks for a label that a task makes

function Label({ reference, stored }: { reference: string; stored: boolean }) {
  const order = useOrderLabel(reference);
  const waiting = order.isSuccess && !stored;
  useParcel(reference, waiting ? LABEL_WAIT : false);
  const label = useLabel(reference, stored);
  return (
    <section className="panel" aria-labelledby="label">
      <h2 id="label">Label</h2>
      {order.error && <ErrorText error={order.error} />}
      {label.error && <ErrorText error={label.error} />}
      {!stored && (
        <button onClick={() => order.mutate()} disabled={order.isPending || waiting}>
          {waiting ? "Being made…" : "Make the label"}
        </button>
      )}
      {label.data !== undefined && (
        <>
          <details>
            <summary>The label's ZPL</summary>
            {/* Wide, so scrolled: by the keyboard too. */}
            {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
            <pre tabIndex={0}>{label.data}</pre>
          </details>
          <button className="quiet" onClick={() => save(label.data, `${reference}.zpl`, "application/zpl")}>
            Save the label
          </button>
        </>
      )}
    </section>
  );
}

function Quote({ reference }: { reference: string }) {
  const quote = useQuote(reference);
  const [asked, setAsked] = useState(false);
  return (
    <section className="panel" aria-labelledby="quote">
      <h2 id="quote">Price</h2>
      <button
        className="quiet"
        disabled={quote.isPending}
        onClick={() => {
          setAsked(true);
          quote.mutate();
        }}
      >
        Ask the carrier
      </button>
      <div aria-live="polite">
        {asked && quote.isPending && <p className="muted">The carrier is asked…</p>}
        {quote.data && <pre>{JSON.stringify(quote.data, null, 2)}</pre>}
      </div>
      {quote.error && <ErrorText error={quote.error} />}
    </section>
  );
}
