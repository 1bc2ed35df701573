// What is looked at: a query, a period, chosen facet values. It stands in the page's address, so that a view can be
// kept and handed on.

export const FACETS = ["service", "stream", "app_module", "log_level", "logger_name"] as const;
export type Facet = (typeof FACETS)[number];

export const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;
export type Level = (typeof LEVELS)[number];

/** `from` is a span before now (`15m`, `1h`, `7d`) and `to` empty, or both are times as ISO 8601. */
export interface View {
  q: string;
  from: string;
  to: string;
  facets: Partial<Record<Facet, string[]>>;
  /** Whether a word of the query may begin with * or ?, which costs more. */
  leadingWildcard: boolean;
}

export const SPANS: Record<string, string> = {
  "5m": "5 minutes",
  "15m": "15 minutes",
  "1h": "hour",
  "6h": "6 hours",
  "1d": "day",
  "7d": "7 days",
  "30d": "30 days",
};

const MILLISECONDS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

export const EVERYTHING: View = { q: "", from: "1h", to: "", facets: {}, leadingWildcard: false };

export function readView(address: URLSearchParams): View {
  const from = address.get("from") ?? "";
  const to = address.get("to") ?? "";
  const absolute =
    !Number.isNaN(Date.parse(from)) && !Number.isNaN(Date.parse(to)) && Date.parse(from) < Date.parse(to);
  const facets: View["facets"] = {};
  for (const facet of FACETS) {
    const values = address.getAll(facet);
    if (values.length > 0) facets[facet] = values;
  }
  return {
    q: address.get("q") ?? "",
    from: absolute || from in SPANS ? from : EVERYTHING.from,
    to: absolute ? to : "",
    facets,
    leadingWildcard: address.get("wildcard") === "1",
  };
}

/** The address of a view. What is as in EVERYTHING is left out. */
export function writeView(view: View): URLSearchParams {
  const address = new URLSearchParams();
  if (view.q !== "") address.set("q", view.q);
  if (view.from !== EVERYTHING.from) address.set("from", view.from);
  if (view.to !== "") address.set("to", view.to);
  for (const facet of FACETS) for (const value of view.facets[facet] ?? []) address.append(facet, value);
  if (view.leadingWildcard) address.set("wildcard", "1");
  return address;
}

export interface Period {
  since: string;
  until: string;
}

/** The view's period, as ISO 8601, when it is `now` (milliseconds since 1970). */
export function periodOf(view: Pick<View, "from" | "to">, now: number): Period {
  if (view.to !== "") return { since: new Date(view.from).toISOString(), until: new Date(view.to).toISOString() };
  const unit = MILLISECONDS[view.from.slice(-1)] ?? 0;
  return {
    since: new Date(now - Number.parseInt(view.from, 10) * unit).toISOString(),
    until: new Date(now).toISOString(),
  };
}

/** What the API takes as `q`, `leading_wildcard` and facets. */
export function parametersOf(view: View) {
  return {
    ...(view.q !== "" && { q: view.q }),
    ...(view.leadingWildcard && { leading_wildcard: true }),
    ...view.facets,
  };
}

/** A value as a query names it: in quotes unless it is a plain word. */
export function quoted(value: string): string {
  return /^[\w.]+$/.test(value) && !/^(AND|OR|NOT)$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** The query with a further condition. */
export function narrowed(q: string, field: string, value: string, without = false): string {
  const condition = `${without ? "NOT " : ""}${field}:${quoted(value)}`;
  if (q.trim() === "") return condition;
  // OR binds as loosely as AND in Lucene's language: what there is keeps together.
  return `${/\sOR\s/.test(q) ? `(${q.trim()})` : q.trim()} AND ${condition}`;
}

/** The lines of a request: its own id, and the browser's events that name it. */
export function requestQuery(id: string): string {
  return `request_id:${quoted(id)} OR context.client.request_id:${quoted(id)}`;
}

/**
 * The same view in Kibana's Discover: `_g` and `_a` are its global and its own state, as they stand in its address
 * (src/plugins/discover/common/app_locator.ts and discover_app_state_container.ts of Kibana 8.17).
 */
export function kibanaAddress(kibana: string, group: string, view: View, period: Period): string {
  const facets = FACETS.flatMap((facet) => {
    const values = view.facets[facet];
    return values ? [`${facet}:(${values.map(quoted).join(" OR ")})`] : [];
  });
  const q = withAnd(view.q);
  const query = [...(q === "" ? [] : [facets.length > 0 ? `(${q})` : q]), ...facets].join(" AND ");
  const global = `(time:(from:${rison(period.since)},to:${rison(period.until)}))`;
  const app = `(dataSource:(dataViewId:${rison(`logs-*-${group}`)},type:dataView),query:(language:lucene,query:${rison(query)}))`;
  const base = kibana.replace(/\/+$/, "");
  return `${base}/app/discover#/?_g=${encodeURIComponent(global)}&_a=${encodeURIComponent(app)}`;
}

// A phrase, a range, a parenthesis, a blank, a word.
const TOKEN = /"(?:[^"\\]|\\.)*"|[[{][^\]}]*[\]}]|[()]|\s+|(?:\\.|[^\s()"[\]{}\\])+|./g;

/** The query with the AND that is left out between its conditions: Kibana would take OR for it. */
function withAnd(q: string): string {
  const tokens = q.trim().match(TOKEN) ?? [];
  const written = tokens.map((token, index) => {
    if (token.trim() !== "") return token;
    const ends = !/^(AND|OR|NOT|&&|\|\||!|\()$|:$/.test(tokens[index - 1] ?? "");
    const begins = !/^(AND|OR|&&|\|\||\))$/.test(tokens[index + 1] ?? "");
    return ends && begins ? " AND " : token;
  });
  return written.join("");
}

/** A text in Rison, in which Kibana's addresses are written. */
function rison(text: string): string {
  return `'${text.replace(/[!']/g, "!$&")}'`;
}
