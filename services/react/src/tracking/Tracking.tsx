import type { SubmitEvent } from "react";
import { useLocation } from "wouter";

import { ApiError } from "../api/client";
import { ErrorText, Loading } from "../app/Feedback";
import { useTitle } from "../app/title";
import { textOn } from "./colour";
import { text } from "./form";
import { Field } from "./ParcelForm";
import { useTracking } from "./queries";
import { StatusBadge } from "./status";
import { Timeline } from "./Timeline";

/** For recipients: in the tenant's colours, and without a sign-in. */
export default function Tracking({
  tenant,
  reference,
}: {
  tenant?: string | undefined;
  reference?: string | undefined;
}) {
  useTitle(reference ?? "Where is my parcel?");
  return tenant && reference ? <Found tenant={tenant} reference={reference} /> : <LookUp tenant={tenant} />;
}

function Found({ tenant, reference }: { tenant: string; reference: string }) {
  const { data, error } = useTracking(tenant, reference);
  if (data === undefined) {
    return (
      <main>
        {!error && <Loading />}
        {error instanceof ApiError && error.status === 404 ? (
          <LookUp tenant={tenant} reference={reference} />
        ) : (
          error && <ErrorText error={error} />
        )}
      </main>
    );
  }
  const { brand, parcel } = data;
  return (
    <>
      <header className="brand-band" style={{ background: brand.colour, color: textOn(brand.colour) }}>
        <div>
          <p>{data.tenant}</p>
        </div>
      </header>
      <main className="narrow">
        {brand.greeting && <p>{brand.greeting}</p>}
        <h1>
          {parcel.reference} <StatusBadge status={parcel.status ?? "created"} />
        </h1>
        <section className="panel" aria-label="Where it has been">
          <Timeline scans={parcel.scans} />
        </section>
        {brand.support_email && (
          <p>
            Questions? <a href={`mailto:${brand.support_email}`}>{brand.support_email}</a>
          </p>
        )}
      </main>
    </>
  );
}

/** `reference` is one that was looked for in vain. */
function LookUp({ tenant, reference }: { tenant?: string | undefined; reference?: string | undefined }) {
  const [, navigate] = useLocation();
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const part = (name: string): string => encodeURIComponent(text(form, name).trim());
    navigate(`/t/${part("tenant").toLowerCase()}/${part("reference").toUpperCase()}`);
  };
  const content = (
    <form className="panel narrow fields" onSubmit={submit}>
      <h1>Where is my parcel?</h1>
      {reference && (
        <p className="error" role="alert">
          Nothing is known of {reference}.
        </p>
      )}
      <Field label="Sender" name="tenant" required maxLength={50} defaultValue={tenant} placeholder="acme" />
      <Field label="Reference" name="reference" required maxLength={20} defaultValue={reference} placeholder="PT-…" />
      <button>Look it up</button>
    </form>
  );
  return reference ? content : <main>{content}</main>;
}
