import { useId, type SubmitEvent, type InputHTMLAttributes } from "react";

import { ApiError, type Schemas } from "../api/client";
import { ErrorText } from "../app/Feedback";
import { text } from "./form";
import { useCreateParcel } from "./queries";

export function ParcelForm({ onCreated }: { onCreated: (parcel: Schemas["Parcel"]) => void }) {
  const create = useCreateParcel();
  const wrong = create.error instanceof ApiError ? create.error.fields : {};
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    create.mutate(
      {
        recipient: text(form, "recipient"),
        destination: text(form, "destination"),
        carrier: text(form, "carrier"),
        weight_grams: Number(text(form, "weight_grams")),
      },
      { onSuccess: onCreated },
    );
  };
  return (
    <form className="fields" onSubmit={submit}>
      <Field label="Recipient" name="recipient" required maxLength={200} autoComplete="off" wrong={wrong.recipient} />
      <Field
        label="Destination"
        name="destination"
        required
        maxLength={500}
        autoComplete="off"
        wrong={wrong.destination}
      />
      <Field label="Carrier" name="carrier" required maxLength={50} defaultValue="northwind" wrong={wrong.carrier} />
      <Field
        label="Weight in grams"
        name="weight_grams"
        type="number"
        required
        min={1}
        max={10_000_000}
        defaultValue={1000}
        wrong={wrong.weight_grams}
      />
      {create.error && Object.keys(wrong).length === 0 && <ErrorText error={create.error} />}
      <button disabled={create.isPending}>Create</button>
    </form>
  );
}

/** A labelled input, with what the API says is wrong with it. */
export function Field({
  label,
  wrong,
  ...input
}: InputHTMLAttributes<HTMLInputElement> & { label: string; wrong?: string | undefined }) {
  const id = useId();
  return (
    <div>
      <label>
        {label}
        <input {...input} aria-invalid={wrong !== undefined} aria-describedby={wrong && id} />
      </label>
      {wrong !== undefined && (
        <small className="error" id={id} role="alert">
          {wrong}
        </small>
      )}
    </div>
  );
}
