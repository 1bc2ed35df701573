import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import "./tracking.css";

interface Props {
  /** Of the x axis: days, as 2025-02-02. */
  days: string[];
  /** A colour is the name of a custom property. */
  series: { label: string; colour: string; values: number[] }[];
  /** Says in words what the picture shows: the table of the same figures is for who can't see it. */
  label: string;
}

const HEIGHT = 240;

/** Figures by day, as lines. */
export function Chart({ days, series, label }: Props) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const data: uPlot.AlignedData = [
      days.map((day) => Date.parse(`${day}T00:00Z`) / 1000),
      ...series.map(({ values }) => values),
    ];
    let plot: uPlot | undefined;
    const draw = (): void => {
      plot?.destroy();
      const colour = (name: string): string => getComputedStyle(element).getPropertyValue(name).trim();
      const axis = {
        stroke: colour("--muted"),
        grid: { stroke: colour("--line"), width: 1 },
        ticks: { stroke: colour("--line"), width: 1 },
      };
      plot = new uPlot(
        {
          width: Math.max(element.clientWidth, 200),
          height: HEIGHT,
          tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
          scales: { y: { range: (_plot, _least, most) => [0, Math.max(most, 1) * 1.1] } },
          axes: [
            { ...axis, space: 70, values: "{MMM} {D}" },
            { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] },
          ],
          series: [
            { label: "Day", value: "{YYYY}-{MM}-{DD}" },
            ...series.map((line) => ({ label: line.label, stroke: colour(line.colour), width: 2 })),
          ],
        },
        data,
        element,
      );
    };
    const resized = new ResizeObserver(() =>
      plot?.setSize({ width: Math.max(element.clientWidth, 200), height: HEIGHT }),
    );
    draw();
    resized.observe(element);
    dark.addEventListener("change", draw);
    return () => {
      dark.removeEventListener("change", draw);
      resized.disconnect();
      plot?.destroy();
    };
  }, [days, series]);
  return <div ref={place} className="chart" role="img" aria-label={label} />;
}
