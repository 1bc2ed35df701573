import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";

import type { Schemas } from "../api/client";
import { useCredentials } from "../api/credentials";
import { Dialog } from "../app/Dialog";
import { ErrorText, Loading } from "../app/Feedback";
import { useTitle } from "../app/title";
import { Export } from "./Export";
import { exportQuery, isOrdering, ORDERINGS, readFilter, type ParcelQuery } from "./filter";
import { useLive, type StatusEvent } from "./live";
import { LiveMark } from "./LiveMark";
import { ParcelForm } from "./ParcelForm";
import { useParcels, useRefresh } from "./queries";
import { StatusBadge, STATUSES, statuses } from "./status";
import { Time } from "./time";

const PAGE_SIZE = 50; // Django's PAGE_SIZE

export default function Parcels() {
  useTitle("Parcels");
  const [address, setAddress] = useSearchParams();
  const [, navigate] = useLocation();
  const [creating, setCreating] = useState(false);
  const [exporting, setExporting] = useState(false);
  const filter = readFilter(address);
  const found = useParcels(filter);
  const connection = useLiveList();

  const change = (changed: Partial<Record<keyof ParcelQuery, string[]>>): void =>
    setAddress(
      (before) => {
        const after = new URLSearchParams(before);
        for (const name of ["page", ...Object.keys(changed)]) after.delete(name);
        for (const [name, values] of Object.entries(changed)) values.forEach((value) => after.append(name, value));
        return after;
      },
      { replace: true },
    );

  return (
    <>
      <div className="row spread">
        <h1>Parcels</h1>
        <LiveMark connection={connection} />
      </div>
      <search className="row filters">
        <Search value={filter.search ?? ""} onChange={(search) => change({ search: search ? [search] : [] })} />
        <label>
          Status
          <select
            value={filter.status?.[0] ?? ""}
            onChange={({ target }) => change({ status: target.value ? [target.value] : [] })}
          >
            <option value="">All</option>
            {statuses.map((status) => (
              <option key={status} value={status}>
                {STATUSES[status]}
              </option>
            ))}
          </select>
        </label>
        <label>
          Order
          <select
            value={filter.ordering?.[0] ?? "-created_at"}
            onChange={({ target }) => change({ ordering: isOrdering(target.value) ? [target.value] : [] })}
          >
            {Object.entries(ORDERINGS).map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <span className="row">
          <button onClick={() => setCreating(true)}>New parcel</button>
          <button className="quiet" onClick={() => setExporting(true)}>
            Export
          </button>
        </span>
      </search>
      {found.error && <ErrorText error={found.error} />}
      {found.isPending && <Loading />}
      {found.data && (
        <>
          <p className="muted" role="status">
            {found.data.count === 1 ? "1 parcel" : `${found.data.count} parcels`}
          </p>
          {found.data.results.length > 0 && <ParcelTable parcels={found.data.results} />}
          <Pages
            page={filter.page ?? 1}
            pages={Math.ceil(found.data.count / PAGE_SIZE)}
            onChange={(page) => {
              change({ page: [String(page)] });
              scrollTo({ top: 0 });
            }}
          />
        </>
      )}
      {creating && (
        <Dialog title="New parcel" onClose={() => setCreating(false)}>
          <ParcelForm onCreated={({ reference }) => navigate(`/parcels/${reference}`)} />
        </Dialog>
      )}
      {exporting && (
        <Dialog title="Export as CSV" onClose={() => setExporting(false)}>
          <Export query={exportQuery(filter)} />
        </Dialog>
      )}
    </>
  );
}

/** Shows each new status at once, and soon after reads anew what belongs into the list. */
function useLiveList() {
  const queries = useQueryClient();
  const { tenant } = useCredentials();
  const refresh = useRefresh();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useLive(undefined, {
    onOpen: () => void refresh.parcels(),
    onEvent: (event: StatusEvent) => {
      queries.setQueriesData<Schemas["PaginatedParcelList"]>({ queryKey: [tenant, "parcels"] }, (list) => {
        if (list === undefined) return list;
        const results = list.results.map((parcel) =>
          parcel.reference === event.reference ? { ...parcel, status: event.status, updated_at: event.at } : parcel,
        );
        return { ...list, results };
      });
      clearTimeout(timer.current);
      timer.current = setTimeout(() => void refresh.parcels(), 2000);
    },
  });
}

/** Searches when the typing pauses. */
function Search({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label className="search">
      Search
      <input
        type="search"
        placeholder="Reference, recipient, destination"
        maxLength={100}
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => onChange(target.value.trim()), 300);
        }}
      />
    </label>
  );
}

function ParcelTable({ parcels }: { parcels: Schemas["Parcel"][] }) {
  return (
    <table className="panel cards">
      <thead>
        <tr>
          <th scope="col">Reference</th>
          <th scope="col">Status</th>
          <th scope="col">Recipient</th>
          <th scope="col">Destination</th>
          <th scope="col">Carrier</th>
          <th scope="col">Changed</th>
        </tr>
      </thead>
      <tbody>
        {parcels.map((parcel) => (
          <tr key={parcel.reference}>
            <td data-label="Reference">
              <Link href={`/parcels/${parcel.reference}`}>{parcel.reference}</Link>
            </td>
            <td data-label="Status">
              <StatusBadge status={parcel.status} />
            </td>
            <td data-label="Recipient">{parcel.recipient}</td>
            <td data-label="Destination">{parcel.destination}</td>
            <td data-label="Carrier">{parcel.carrier}</td>
            <td data-label="Changed">
              <Time at={parcel.updated_at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Pages({ page, pages, onChange }: { page: number; pages: number; onChange: (page: number) => void }) {
  if (pages <= 1) return null;
  return (
    <nav aria-label="Pages of the list" className="row paging">
      <button className="quiet" disabled={page <= 1} onClick={() => onChange(page - 1)}>
        Previous
      </button>
      <span>
        Page {page} of {pages}
      </span>
      <button className="quiet" disabled={page >= pages} onClick={() => onChange(page + 1)}>
        Next
      </button>
    </nav>
  );
}
