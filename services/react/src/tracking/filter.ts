// The list's filters as they stand in the page's address, by the names that the API has for them.

import { statuses, type Status } from "./status";

export const ORDERINGS = {
  "-created_at": "Newest first",
  created_at: "Oldest first",
  "-updated_at": "Changed last",
  updated_at: "Not changed for longest",
  "-weight_grams": "Heaviest first",
} as const;

export type Ordering = keyof typeof ORDERINGS;

export interface ParcelQuery {
  search?: string;
  status?: Status[];
  ordering?: Ordering[];
  page?: number;
}

/** What of the address the API knows. What a person types into it is no reason for an error. */
export function readFilter(address: URLSearchParams): ParcelQuery {
  const search = address.get("search")?.trim().slice(0, 100);
  const status = address.getAll("status").filter((name): name is Status => statuses.some((known) => known === name));
  const ordering = address.get("ordering");
  const page = Number(address.get("page"));
  return {
    ...(search && { search }),
    ...(status.length > 0 && { status }),
    ...(ordering !== null && isOrdering(ordering) && { ordering: [ordering] }),
    ...(Number.isInteger(page) && page > 1 && { page }),
  };
}

export function isOrdering(name: string): name is Ordering {
  return Object.hasOwn(ORDERINGS, name);
}

/** As an export takes it: the same filters, and all pages. */
export function exportQuery({ search, status = [], ordering = [] }: ParcelQuery): string {
  const query = new URLSearchParams();
  if (search) query.set("search", search);
  for (const name of status) query.append("status", name);
  for (const name of ordering) query.append("ordering", name);
  return query.toString();
}
