// Who the browser's user is and which tenant they speak for: kept for all windows of this site, until they sign out.

import { useSyncExternalStore } from "react";

export interface Credentials {
  token: string | null;
  tenant: string | null;
}

const KEY = "parcel-tracking:credentials";
const NOBODY: Credentials = { token: null, tenant: null };

let current = read();
const listeners = new Set<() => void>();

function read(): Credentials {
  try {
    return { ...NOBODY, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Credentials>) };
  } catch {
    return NOBODY;
  }
}

addEventListener("storage", (event) => {
  if (event.key === KEY || event.key === null) {
    current = read();
    listeners.forEach((listener) => listener());
  }
});

export function credentials(): Credentials {
  return current;
}

export function setCredentials(changed: Partial<Credentials>): void {
  current = { ...current, ...changed };
  localStorage.setItem(KEY, JSON.stringify(current));
  listeners.forEach((listener) => listener());
}

export function forgetCredentials(): void {
  setCredentials(NOBODY);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useCredentials(): Credentials {
  return useSyncExternalStore(subscribe, credentials);
}
