// A request's lines as a picture: a lane for each service, a mark for each line, at its place in time.

import { text, timeOf, type Line } from "./fields";

export interface Mark {
  line: Line;
  /** Where it begins and how long it is, in hundredths of the whole. */
  left: number;
  width: number;
}

export interface Lane {
  service: string;
  marks: Mark[];
}

/** Lines that are written when something ends, and tell how long it took: those are as long in the picture. */
const ENDINGS = /^(nginx\.access|gunicorn\.access|apps\.common\.middleware|celery\.app\.trace)$/;

export function beginOf(line: Line): number {
  const duration = Number(text(line, "duration_ms"));
  return timeOf(line) - (ENDINGS.test(text(line, "logger_name")) && duration > 0 ? duration : 0);
}

/** The lanes in the order in which the request came to the services. */
export function lanesOf(lines: readonly Line[]): { begin: number; milliseconds: number; lanes: Lane[] } {
  const begin = Math.min(...lines.map(beginOf));
  const milliseconds = Math.max(...lines.map(timeOf)) - begin;
  const share = (time: number) => (milliseconds === 0 ? 0 : (100 * time) / milliseconds);
  const lanes = new Map<string, Lane>();
  for (const line of [...lines].sort((a, b) => beginOf(a) - beginOf(b))) {
    const service = text(line, "service");
    const lane = lanes.get(service) ?? { service, marks: [] };
    lanes.set(service, lane);
    lane.marks.push({ line, left: share(beginOf(line) - begin), width: share(timeOf(line) - beginOf(line)) });
  }
  return { begin, milliseconds, lanes: [...lanes.values()] };
}
