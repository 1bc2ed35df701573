// An export: read as it comes, so that its progress is known, then handed to the browser as a file.

import { errorOf, send } from "../api/client";

export interface Exported {
  name: string;
  content: Blob;
}

const NEWLINE = 10;

/** Reads the export at `address`; one line of it is one line of the log. Throws when it ends before its end. */
export async function download(
  address: string,
  progress: (lines: number, total: number) => void,
  signal: AbortSignal,
): Promise<Exported> {
  const response = await send(new Request(address, { signal }));
  if (!response.ok || response.body === null) throw await errorOf(response);
  const total = Number(response.headers.get("X-Lines"));
  const type = response.headers.get("Content-Type") ?? "";
  const header = type.startsWith("text/csv") ? 1 : 0;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const reader = response.body.getReader();
  let lines = -header;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    for (const byte of value) if (byte === NEWLINE) lines += 1;
    progress(Math.max(lines, 0), total);
  }
  if (lines < total) throw new Error(`The export broke off after ${lines.toLocaleString()} lines. Please try again.`);
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "logs";
  return { name, content: new Blob(parts, { type }) };
}

export function save({ name, content }: Exported): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
