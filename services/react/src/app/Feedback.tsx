// What a page shows in place of what it can't show.

import { Link } from "wouter";

import { ApiError } from "../api/client";
import { useSession } from "./session";

export function Loading() {
  return (
    <p className="muted" role="status">
      Loading…
    </p>
  );
}

export function NotFound() {
  return (
    <>
      <h1>There is no such page</h1>
      <p>
        <Link href="~/parcels">To the parcels</Link>
      </p>
    </>
  );
}

/** A page that failed to render. */
export function Failed({ retry }: { retry: () => void }) {
  return (
    <div role="alert">
      <h1>This page failed</h1>
      <p>What went wrong has been logged.</p>
      <button onClick={retry}>Try again</button>
    </div>
  );
}

/** An error in words, with the id of its request, by which its lines are found. */
export function ErrorText({ error }: { error: Error }) {
  const staff = useSession().data?.user.is_staff === true;
  return (
    <p className="error" role="alert">
      {error.message}
      {error instanceof ApiError && error.requestId !== "" && (
        <>
          {" "}
          <small>
            Request <code>{error.requestId}</code>
            {staff && <Link href={`~/logs/requests/${error.requestId}`}> in the logs</Link>}
          </small>
        </>
      )}
    </p>
  );
}
