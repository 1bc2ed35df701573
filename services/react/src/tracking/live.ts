// What happens to parcels, as it happens: the WebSocket of Django's apps.parcels.consumers.

import { useEffect, useEffectEvent, useState } from "react";

import { credentials, useCredentials } from "../api/credentials";
import { logs } from "../app/logs";
import type { Status } from "./status";

export interface StatusEvent {
  type: "status";
  reference: string;
  status: Status;
  location: string | null;
  at: string;
}

/** `lost`: it will be tried again. `refused`: only a sign-in helps. */
export type Connection = "connecting" | "open" | "lost" | "refused";

const PROTOCOL = "parcels.v1";
const ACCESS_LOST = 4403;
const SILENCE = 60_000; // milliseconds; the server's heartbeat comes each 25 seconds
const LONGEST_WAIT = 30_000;

const logger = logs.logger("live");

interface Handlers {
  onEvent: (event: StatusEvent) => void;
  onConnection: (connection: Connection) => void;
}

/** Follows one parcel, or all of the tenant's, through outages, until the function that it returns is called. */
export function follow(reference: string | undefined, { onEvent, onConnection }: Handlers): () => void {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let ended = false;

  function connect(): void {
    clearTimeout(timer);
    const { token, tenant } = credentials();
    if (token === null || tenant === null) return;
    const address = new URL(`/ws/parcels/${reference === undefined ? "" : `${reference}/`}`, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("tenant", tenant);
    onConnection("connecting");
    const opened = new WebSocket(address, [PROTOCOL, `token.${token}`]);
    socket = opened;
    opened.addEventListener("open", () => {
      failures = 0;
      heard();
      onConnection("open");
    });
    opened.addEventListener("message", ({ data }: MessageEvent<string>) => {
      heard();
      const event = JSON.parse(data) as { type: string };
      if (event.type === "status") onEvent(event as StatusEvent);
    });
    opened.addEventListener("close", ({ code }) => {
      if (ended || opened !== socket) return;
      clearTimeout(timer);
      if (code === ACCESS_LOST) {
        logger.warning("Live status ended: access was lost", { code });
        onConnection("refused");
        return;
      }
      if (failures === 0) logger.warning("Live status lost", { code });
      failures += 1;
      onConnection("lost");
      timer = setTimeout(connect, Math.min(500 * 2 ** failures, LONGEST_WAIT) * (0.75 + Math.random() / 2));
    });
  }

  /** A connection can be dead without being closed: then nothing is heard, not even the heartbeat. */
  function heard(): void {
    clearTimeout(timer);
    timer = setTimeout(() => socket?.close(), SILENCE);
  }

  const online = (): void => {
    if (socket?.readyState === WebSocket.CLOSED) connect();
  };
  addEventListener("online", online);
  connect();
  return () => {
    ended = true;
    clearTimeout(timer);
    removeEventListener("online", online);
    socket?.close();
  };
}

/** `onOpen` is for what may have been missed before: it is called at each connection. */
export function useLive(
  reference: string | undefined,
  handlers: { onEvent: (event: StatusEvent) => void; onOpen: () => void },
): Connection {
  const { token, tenant } = useCredentials();
  const [connection, setConnection] = useState<Connection>("connecting");
  const onEvent = useEffectEvent(handlers.onEvent);
  const onOpen = useEffectEvent(handlers.onOpen);
  useEffect(
    () =>
      follow(reference, {
        onEvent: (event) => onEvent(event),
        onConnection: (now) => {
          setConnection(now);
          if (now === "open") onOpen();
        },
      }),
    [reference, token, tenant],
  );
  return connection;
}
