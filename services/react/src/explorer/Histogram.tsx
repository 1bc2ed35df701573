import { useEffect, useRef, useState, useSyncExternalStore, type RefObject } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import type { Schemas } from "../api/client";
import { barsOf } from "./bars";
import { tick } from "./fields";
import { LEVELS, type Period } from "./view";

const HEIGHT = 130;
const BRUSH = 4; // pixels: a shorter one is a click

/** Lines by time and level; a stretch that is marked with the pointer becomes the period. */
export function Histogram({
  overview,
  period,
  onPeriod,
}: {
  overview: Schemas["Overview"];
  period: Period;
  onPeriod: (from: string, to: string) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const dark = useDark();
  const width = useWidth(box);
  useEffect(() => {
    if (box.current === null || width === 0) return;
    const style = getComputedStyle(box.current);
    const colour = (name: string) => style.getPropertyValue(`--${name}`);
    const { times, heights, span } = barsOf(overview, period);
    const plot = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: true, y: false, setScale: false, dist: BRUSH }, y: false, points: { show: false } },
        axes: [
          {
            stroke: colour("muted"),
            grid: { show: false },
            ticks: { stroke: colour("line") },
            size: 32,
            space: 64,
            values: (_self, places, _axis, _space, step) => places.map((place) => tick(place, step)),
          },
          { stroke: colour("muted"), grid: { stroke: colour("line") }, ticks: { show: false }, size: 56, space: 24 },
        ],
        scales: { x: { time: true, range: span }, y: { range: (_, __, most) => [0, Math.max(most, 1)] } },
        // The highest first, so that each level covers what is below it of those before.
        series: [
          {},
          ...[...LEVELS].reverse().map((level) => ({
            label: level,
            fill: colour(`level-${level.toLowerCase()}`),
            width: 0,
            points: { show: false },
            paths: uPlot.paths.bars?.({ size: [0.9, 60], align: 1 }),
          })),
        ],
        hooks: {
          setSelect: [
            (self) => {
              if (self.select.width < BRUSH) return;
              const at = (x: number) => new Date(self.posToVal(x, "x") * 1000).toISOString();
              onPeriod(at(self.select.left), at(self.select.left + self.select.width));
            },
          ],
        },
      },
      [times, ...[...heights].reverse()],
      box.current,
    );
    return () => plot.destroy();
  }, [overview, period, onPeriod, width, dark]);

  const byLevel = LEVELS.map((level) => ({
    level,
    count: overview.bars.reduce((sum, bar) => sum + (bar.levels[level] ?? 0), 0),
  })).filter(({ count }) => count > 0);
  return (
    <figure className="histogram">
      <div
        ref={box}
        role="img"
        aria-label={`Lines by time: ${overview.total.toLocaleString()} in all. Mark a stretch to see it alone.`}
      />
      <figcaption>
        {byLevel.map(({ level, count }) => (
          <span key={level}>
            <i className={`swatch ${level.toLowerCase()}`} aria-hidden="true" /> {level} {count.toLocaleString()}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function useDark(): boolean {
  return useSyncExternalStore(onTheme, () => theme().matches);
}

function theme(): MediaQueryList {
  return matchMedia("(prefers-color-scheme: dark)");
}

function onTheme(changed: () => void): () => void {
  const query = theme();
  query.addEventListener("change", changed);
  return () => query.removeEventListener("change", changed);
}

function useWidth(box: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (box.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [box]);
  return width;
}
