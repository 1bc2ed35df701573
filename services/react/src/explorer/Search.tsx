import { useCallback, useMemo, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";

import { ErrorText, Loading } from "../app/Feedback";
import { useTitle } from "../app/title";
import { isOutage, useAbout, useLines, useOverview, useTail } from "./data";
import { Export } from "./Export";
import { Facets } from "./Facets";
import { Histogram } from "./Histogram";
import { LineDialog } from "./LineDialog";
import { Lines } from "./Lines";
import { PeriodChoice } from "./PeriodChoice";
import { QueryLine } from "./QueryLine";
import { Saved } from "./Saved";
import { kibanaAddress, narrowed, periodOf, readView, writeView, type Facet, type View } from "./view";

/** The lines of a view, with what there is to narrow it by. */
export default function Search() {
  useTitle("Logs");
  const address = useSearch();
  const [, navigate] = useLocation();
  const parameters = useMemo(() => new URLSearchParams(address), [address]);
  const view = useMemo(() => readView(parameters), [parameters]);
  // "The last hour" is that before this moment, and stays it until one asks anew.
  const [now, setNow] = useState(() => Date.now());
  const period = useMemo(() => periodOf(view, now), [view, now]);
  const [live, setLive] = useState(false);

  const about = useAbout();
  const overview = useOverview(view, period);
  const found = useLines(view, period);
  const tail = useTail(view, live);

  const show = useCallback(
    (changed: Partial<View>) => {
      setNow(Date.now());
      setLive(false);
      navigate(`/?${writeView({ ...view, ...changed }).toString()}`);
    },
    [view, navigate],
  );
  const showPeriod = useCallback((from: string, to: string) => show({ from, to }), [show]);

  const lines = useMemo(() => {
    const known = new Set(tail.lines.map((line) => line.id));
    const pages = found.data?.pages.flatMap((page) => page.lines) ?? [];
    return live ? [...tail.lines, ...pages.filter((line) => !known.has(line.id))] : pages;
  }, [found.data, tail.lines, live]);

  const { hasNextPage, isFetching, fetchNextPage } = found;
  const more = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);

  const error = found.error ?? overview.error ?? tail.error;
  const first = found.data?.pages[0];
  const opened = parameters.get("line");
  const viewAddress = writeView(view).toString();
  return (
    <div className="explorer">
      <h1 className="visually-hidden">Logs</h1>
      <div className="explorer-bar">
        <QueryLine view={view} period={period} onQuery={(q) => show({ q })} />
        <PeriodChoice view={view} period={period} onPeriod={showPeriod} />
        <div className="row">
          <button className="quiet" onClick={() => setNow(Date.now())} disabled={view.to !== "" || live}>
            Refresh
          </button>
          <button
            className="quiet"
            aria-pressed={live}
            disabled={view.to !== ""}
            onClick={() => {
              setLive(!live);
              setNow(Date.now());
            }}
          >
            Live
          </button>
        </div>
      </div>
      {error && (
        <div>
          <ErrorText error={error} />
          {isOutage(error) && <p className="muted">Asking again every few seconds.</p>}
          {error.message.includes("leading wildcards") && (
            <button className="quiet" onClick={() => show({ leadingWildcard: true })}>
              Allow leading wildcards
            </button>
          )}
        </div>
      )}
      <div className="explorer-body">
        <Sides>
          <Saved address={viewAddress} />
          {!overview.isPending && (
            <Facets
              facets={overview.data?.facets ?? {}}
              chosen={view.facets}
              onChoice={(facet: Facet, values) => show({ facets: { ...view.facets, [facet]: values } })}
            />
          )}
        </Sides>
        <div className="explorer-main">
          {overview.data ? (
            <Histogram overview={overview.data} period={period} onPeriod={showPeriod} />
          ) : (
            <div className="histogram" />
          )}
          <div className="row spread">
            <p role="status">
              {overview.data && `${overview.data.total.toLocaleString()} lines`}
              {live && ` and ${tail.lines.length.toLocaleString()} since`}
              {(overview.data?.complete === false || first?.complete === false) &&
                ". Stopped after some seconds: there are more. Ask for less time or for more words."}
            </p>
            <div className="row">
              {viewAddress !== "" && <Link href="/">Everything</Link>}
              {about.data?.kibana_url && (
                <a
                  href={kibanaAddress(about.data.kibana_url, about.data.group, view, period)}
                  target="_blank"
                  rel="noreferrer"
                >
                  In Kibana
                </a>
              )}
              <Export key={viewAddress} view={view} period={period} />
            </div>
          </div>
          <Lines lines={lines} onEnd={more}>
            {found.isPending && !error && <Loading />}
            {found.data && lines.length === 0 && <p className="muted">No line in this period.</p>}
          </Lines>
        </div>
      </div>
      {opened !== null && (
        <LineDialog
          id={opened}
          address={viewAddress}
          onClose={() => navigate(`/?${viewAddress}`)}
          onNarrow={(field, value, without) => show({ q: narrowed(view.q, field, value, without) })}
        />
      )}
    </div>
  );
}

/** What stands beside the list; folded up where there is no room beside it. */
function Sides({ children }: { children: React.ReactNode }) {
  const [wide] = useState(() => matchMedia("(min-width: 60rem)").matches);
  return (
    <details className="explorer-sides" open={wide}>
      <summary>Views and filters</summary>
      {children}
    </details>
  );
}
