// The histogram's numbers: one bar for each interval of the period, its levels on top of one another.

import type { Schemas } from "../api/client";
import { LEVELS, type Period } from "./view";

export interface Bars {
  /** Begin of each bar, in seconds since 1970. */
  times: number[];
  /** For each of LEVELS: how high it and those below it reach. */
  heights: number[][];
  /** From the begin of the first bar to the end of the last. */
  span: [number, number];
}

/** The API leaves out intervals without lines: they are bars of nothing here. */
export function barsOf(overview: Schemas["Overview"], period: Period): Bars {
  const step = overview.interval_seconds;
  const first = Math.floor(Date.parse(period.since) / 1000 / step) * step;
  const last = Math.ceil(Date.parse(period.until) / 1000 / step) * step;
  const found = new Map(overview.bars.map((bar) => [bar.at / 1000, bar]));
  const times: number[] = [];
  for (let time = first; time < last; time += step) times.push(time);
  let below = times.map(() => 0);
  const heights = LEVELS.map((level) => {
    below = below.map((height, index) => height + (found.get(times[index] ?? 0)?.levels[level] ?? 0));
    return below;
  });
  return { times, heights, span: [first, last] };
}
