// Views that are kept in this browser under a name. To hand one on, its address is enough.

export interface SavedView {
  name: string;
  address: string;
}

/** There from the beginning. */
export const PREPARED: readonly SavedView[] = [
  { name: "Errors", address: "log_level=ERROR&log_level=CRITICAL&from=1d" },
  { name: "Tracebacks", address: "q=_exists_%3Aerror.type&from=1d" },
  { name: "Errors in the browser", address: "q=log_level%3AERROR&service=react&from=1d" },
  { name: "Slow requests", address: "q=duration_ms%3A%3E%3D1000&service=nginx&from=1d" },
  { name: "Tasks", address: "q=_exists_%3Atask_id&service=celery" },
  { name: "Not parsed", address: "q=_exists_%3Atags&from=7d" },
];

const KEY = "parcel-tracking:log-views";

export function savedViews(): SavedView[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter(isSavedView) : [];
  } catch {
    return [];
  }
}

/** Keep a view; one of the same name goes. */
export function saveView(view: SavedView): SavedView[] {
  return store([...savedViews().filter(({ name }) => name !== view.name), view]);
}

export function forgetView(name: string): SavedView[] {
  return store(savedViews().filter((view) => view.name !== name));
}

function store(views: SavedView[]): SavedView[] {
  localStorage.setItem(KEY, JSON.stringify(views));
  return views;
}

function isSavedView(value: unknown): value is SavedView {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as SavedView).name === "string" &&
    typeof (value as SavedView).address === "string"
  );
}
