import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { setCredentials } from "../api/credentials";
import { follow, type Connection, type StatusEvent } from "./live";

class Socket extends EventTarget {
  static readonly CLOSED = 3;
  static opened: Socket[] = [];
  readyState = 0;

  constructor(
    readonly url: URL,
    readonly protocols: string[],
  ) {
    super();
    Socket.opened.push(this);
  }

  open(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  say(message: object): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  end(code: number): void {
    this.readyState = 3;
    this.dispatchEvent(new CloseEvent("close", { code }));
  }

  close = vi.fn(() => this.end(1000));
}

const scanned = {
  type: "status",
  reference: "PT-1",
  status: "in_transit",
  location: "Leeds",
  at: "2025-02-02T12:00:00Z",
};

let events: StatusEvent[];
let connections: Connection[];
let leave: () => void;

function start(reference?: string): void {
  leave = follow(reference, {
    onEvent: (event) => events.push(event),
    onConnection: (connection) => connections.push(connection),
  });
}

function newest(): Socket {
  const socket = Socket.opened.at(-1);
  if (socket === undefined) throw new Error("No WebSocket was opened");
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
  Socket.opened = [];
  events = [];
  connections = [];
  setCredentials({ token: "0123456789abcdef", tenant: "acme" });
});

afterEach(() => {
  leave();
  vi.useRealTimers();
});

test("the token goes as a subprotocol, not in the address", () => {
  start("PT-1");
  expect(newest().url.href).toBe("ws://localhost:3000/ws/parcels/PT-1/?tenant=acme");
  expect(newest().protocols).toEqual(["parcels.v1", "token.0123456789abcdef"]);
});

test("what happens is handed on, heartbeats are not", () => {
  start();
  newest().open();
  newest().say({ type: "heartbeat" });
  newest().say(scanned);
  expect(events).toEqual([scanned]);
  expect(connections).toEqual(["connecting", "open"]);
});

test("a lost connection is made anew, at growing intervals", async () => {
  start();
  newest().open();
  newest().end(1006);
  expect(connections.at(-1)).toBe("lost");
  await vi.advanceTimersByTimeAsync(1300);
  expect(Socket.opened).toHaveLength(2);
  newest().end(1006);
  await vi.advanceTimersByTimeAsync(1400);
  expect(Socket.opened).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1200);
  expect(Socket.opened).toHaveLength(3);
  newest().open();
  expect(connections.at(-1)).toBe("open");
});

test("a connection in which nothing is heard any more is given up", async () => {
  start();
  newest().open();
  await vi.advanceTimersByTimeAsync(50_000);
  newest().say({ type: "heartbeat" });
  await vi.advanceTimersByTimeAsync(50_000);
  expect(newest().close).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(11_500);
  expect(Socket.opened).toHaveLength(2);
});

test("who has lost access is not let in by asking again", async () => {
  start();
  newest().open();
  newest().end(4403);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(Socket.opened).toHaveLength(1);
  expect(connections.at(-1)).toBe("refused");
});

test("who leaves is not called back", async () => {
  start();
  newest().open();
  leave();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(Socket.opened).toHaveLength(1);
  expect(connections).toEqual(["connecting", "open"]);
});
