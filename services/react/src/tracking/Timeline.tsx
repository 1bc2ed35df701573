import type { Schemas } from "../api/client";
import { StatusBadge } from "./status";
import { Time } from "./time";

/** Where the parcel has been, the newest first. */
export function Timeline({ scans }: { scans: Schemas["PublicScan"][] }) {
  if (scans.length === 0) return <p className="muted">No scan yet.</p>;
  return (
    <ol className="timeline" reversed>
      {scans.toReversed().map((scan, index) => (
        <li key={scans.length - index}>
          <StatusBadge status={scan.status} /> <span className="where">{scan.location}</span>{" "}
          {scan.scanned_at && (
            <small className="muted">
              <Time at={scan.scanned_at} />
            </small>
          )}
        </li>
      ))}
    </ol>
  );
}
