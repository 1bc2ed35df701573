import type { Schemas } from "../api/client";
import "./tracking.css";

export type Status = Schemas["StatusEnum"];

/** In the order in which a parcel has them. */
export const STATUSES: Record<Status, string> = {
  created: "Created",
  picked_up: "Picked up",
  in_transit: "In transit",
  out_for_delivery: "Out for delivery",
  delivered: "Delivered",
  exception: "Exception",
  returned: "Returned",
};

export const statuses = Object.keys(STATUSES) as Status[];

export function StatusBadge({ status }: { status: Status }) {
  return <span className={`status ${status}`}>{STATUSES[status]}</span>;
}
