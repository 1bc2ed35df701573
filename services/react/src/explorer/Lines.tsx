import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useRef, useSyncExternalStore, type KeyboardEvent, type ReactNode } from "react";
import { Link, useSearch } from "wouter";

import { clock, dateAndClock, text, timeOf, type Line } from "./fields";

const NARROW = "(max-width: 48rem)";
const ROW = 28; // pixels, one line of text; two where there is little room
const NARROW_ROW = 50;
const AHEAD = 30; // rows before the end at which more are asked for

/** A list that goes on: only the rows that are seen are in the page. `children`: what stands there without lines. */
export function Lines({
  lines,
  onEnd,
  children,
}: {
  lines: readonly Line[];
  onEnd?: (() => void) | undefined;
  children?: ReactNode;
}) {
  const box = useRef<HTMLDivElement>(null);
  const narrow = useSyncExternalStore(onNarrow, () => matchMedia(NARROW).matches);
  // Its functions are called while rendering alone.
  // eslint-disable-next-line react-hooks/incompatible-library
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => (narrow ? NARROW_ROW : ROW),
    getItemKey: (index) => lines[index]?.id ?? index,
    overscan: 12,
  });
  useEffect(() => rows.measure(), [rows, narrow]);

  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= lines.length - AHEAD) onEnd?.();
  }, [last, lines.length, onEnd]);

  const address = useSearch();
  return (
    // Arrow keys go from row to row; each row is a link.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div className="lines" ref={box} onKeyDown={moveFocus}>
      {children}
      <ul aria-label="Lines" style={{ height: rows.getTotalSize() }}>
        {items.map(({ index, start, key, size }) => {
          const line = lines[index];
          return (
            line && (
              <li
                key={key}
                aria-setsize={lines.length}
                aria-posinset={index + 1}
                style={{ transform: `translateY(${start}px)`, height: size }}
              >
                <Row line={line} address={address} />
              </li>
            )
          );
        })}
      </ul>
    </div>
  );
}

/** One line in a row, a link to all of it. */
export const Row = memo(function Row({ line, address }: { line: Line; address: string }) {
  const level = text(line, "log_level");
  const time = timeOf(line);
  return (
    <Link className={`line-row ${level.toLowerCase()}`} href={`/?${withLine(address, line.id)}`}>
      <time dateTime={text(line, "@timestamp")} title={dateAndClock(time)}>
        {clock(time)}
      </time>
      <b>{level}</b>
      <span className="service">{text(line, "service")}</span>
      <span className="logger">{text(line, "logger_name")}</span>
      <span className="message">{text(line, "log_message") || text(line, "error.type") || "—"}</span>
    </Link>
  );
});

/** The address with that line opened. */
export function withLine(address: string, id: string): string {
  const parameters = new URLSearchParams(address);
  parameters.set("line", id);
  return parameters.toString();
}

function moveFocus(event: KeyboardEvent) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const row = document.activeElement?.closest("li");
  const next = event.key === "ArrowDown" ? row?.nextElementSibling : row?.previousElementSibling;
  const link = next?.querySelector("a");
  if (link) {
    event.preventDefault();
    link.focus();
  }
}

function onNarrow(changed: () => void): () => void {
  const query = matchMedia(NARROW);
  query.addEventListener("change", changed);
  return () => query.removeEventListener("change", changed);
}
