import { originalPositionFor, TraceMap, type SourceMapInput } from "@jridgewell/trace-mapping";

// A place in a stack of any browser: address, line, column.
const PLACE = /(https?:\/\/[^\s()]+?\.js):(\d+):(\d+)/g;

const maps = new Map<string, Promise<TraceMap | null>>();

/** The stack with the places that source maps of this site know replaced by those in the sources. */
export async function mapped(stack: string): Promise<string> {
  const found = new Map<string, TraceMap | null>();
  for (const [, file] of stack.matchAll(PLACE)) {
    if (file !== undefined && URL.parse(file)?.origin === location.origin) found.set(file, await mapOf(file));
  }
  return stack.replace(PLACE, (place, file: string, line: string, column: string) => {
    const map = found.get(file);
    if (!map) return place;
    // Stacks count columns from one, source maps from zero.
    const position = originalPositionFor(map, { line: Number(line), column: Number(column) - 1 });
    if (position.source === null) return place;
    return `${position.source.replace(/^(\.\.\/)+/, "")}:${position.line}:${position.column + 1}`;
  });
}

function mapOf(file: string): Promise<TraceMap | null> {
  let map = maps.get(file);
  if (map === undefined) {
    map = fetch(`${file}.map`)
      .then(async (response) => (response.ok ? new TraceMap((await response.json()) as SourceMapInput) : null))
      .catch(() => null);
    maps.set(file, map);
  }
  return map;
}
