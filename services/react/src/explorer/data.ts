// What the pages ask the API. Each query that fails for want of an answer is asked again by itself.

import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { answer, api, ApiError } from "../api/client";
import type { Line } from "./fields";
import { advanced, joined, type Position } from "./tail";
import { parametersOf, requestQuery, type Period, type View } from "./view";

export const PAGE = 200;
const RECOVER_MS = 3000;
const TAIL_MS = 250;
const REQUEST_LINES = 1000;

/** A store that gave no answer may give one soon; what was refused stays refused. */
export function isOutage(error: Error | null): boolean {
  return error !== null && !(error instanceof ApiError && error.status >= 400 && error.status < 500);
}

function recovering(query: { state: { error: Error | null } }): number | false {
  return isOutage(query.state.error) && RECOVER_MS;
}

const steady = { retry: false, refetchInterval: recovering, refetchOnWindowFocus: false } as const;

export function useAbout() {
  return useQuery({
    ...steady,
    queryKey: ["logs", "about"],
    staleTime: 60_000,
    queryFn: ({ signal }) => answer(api.GET("/api/logs/explorer/", { signal })),
  });
}

export function useOverview(view: View, period: Period) {
  const query = { ...parametersOf(view), ...period };
  return useQuery({
    ...steady,
    queryKey: ["logs", "overview", query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET("/api/logs/explorer/overview/", { params: { query }, signal })),
  });
}

export function useLines(view: View, period: Period) {
  const query = { ...parametersOf(view), ...period, size: PAGE };
  return useInfiniteQuery({
    ...steady,
    queryKey: ["logs", "lines", query],
    initialPageParam: "",
    queryFn: ({ signal, pageParam }) => {
      const page = { ...query, ...(pageParam !== "" && { after: pageParam }) };
      return answer(api.GET("/api/logs/explorer/lines/", { params: { query: page }, signal }));
    },
    getNextPageParam: (page) => page.next,
  });
}

export function useValues(field: string | null, prefix: string, view: View, period: Period) {
  const query = { ...view.facets, ...period, field: field ?? "", prefix };
  return useQuery({
    retry: false,
    enabled: field !== null,
    queryKey: ["logs", "values", query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET("/api/logs/explorer/values/", { params: { query }, signal })),
  });
}

export function useLine(id: string) {
  return useQuery({
    ...steady,
    queryKey: ["logs", "line", id],
    staleTime: Infinity, // a line never changes
    queryFn: ({ signal }) =>
      answer(api.GET("/api/logs/explorer/lines/{line_id}/", { params: { path: { line_id: id } }, signal })),
  });
}

export function useSurrounding(id: string, size: number) {
  const params = { path: { line_id: id }, query: { size } };
  return useQuery({
    ...steady,
    queryKey: ["logs", "surrounding", id, size],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => answer(api.GET("/api/logs/explorer/lines/{line_id}/surrounding/", { params, signal })),
  });
}

/** All lines of a request within 30 days, oldest first. */
export function useRequest(id: string, now: number) {
  const since = new Date(now - 30 * 86_400_000).toISOString();
  const query = {
    q: requestQuery(id),
    since,
    until: new Date(now + 60_000).toISOString(),
    order: "oldest",
    size: REQUEST_LINES,
  } as const;
  return useQuery({
    ...steady,
    queryKey: ["logs", "request", id, now],
    queryFn: ({ signal }) => answer(api.GET("/api/logs/explorer/lines/", { params: { query }, signal })),
  });
}

export function useHealth() {
  return useQuery({
    ...steady,
    refetchInterval: 10_000,
    queryKey: ["logs", "health"],
    queryFn: ({ signal }) => answer(api.GET("/api/logs/explorer/health/", { signal })),
  });
}

export interface Tail {
  lines: readonly Line[];
  error: Error | null;
}

/** The lines of a view that are stored from now on, newest first, as long as `on`. */
export function useTail(view: View, on: boolean): Tail {
  const [tail, setTail] = useState<Tail>({ lines: [], error: null });
  const parameters = JSON.stringify(parametersOf(view));
  useEffect(() => {
    if (!on) return;
    const stopped = new AbortController();
    void follow(JSON.parse(parameters) as ReturnType<typeof parametersOf>, stopped.signal, setTail);
    return () => stopped.abort();
  }, [on, parameters]);
  return tail;
}

async function follow(
  parameters: ReturnType<typeof parametersOf>,
  signal: AbortSignal,
  update: (change: (tail: Tail) => Tail) => void,
): Promise<void> {
  let position: Position | null = null;
  update(() => ({ lines: [], error: null }));
  while (!stopped(signal)) {
    let more = false;
    try {
      const query = { ...parameters, ...(position !== null && { after: position.after }) };
      const found = await answer(api.GET("/api/logs/explorer/tail/", { params: { query }, signal }));
      position = advanced(position, found);
      more = found.more;
      update(({ lines, error }) => {
        const all = joined(lines, found.lines);
        return all === lines && error === null ? { lines, error } : { lines: all, error: null };
      });
    } catch (error) {
      if (stopped(signal)) return;
      const failure = error instanceof Error ? error : new Error(String(error));
      update(({ lines }) => ({ lines, error: failure }));
      if (!isOutage(failure)) return;
    }
    if (!more) await pause(TAIL_MS);
  }
}

/** A function, since for the compiler what was once looked at stays so. */
function stopped(signal: AbortSignal): boolean {
  return signal.aborted;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
