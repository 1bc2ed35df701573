import { Component, type ErrorInfo, type ReactNode } from "react";

import type { LogClient } from "./client";
import { described } from "./errors";

interface Props {
  client: LogClient;
  /** Shown in place of what failed; `retry` renders the children anew. */
  fallback: (retry: () => void) => ReactNode;
  /** When this changes, the children are rendered anew: the page's address, say. */
  resetKey?: string;
  children: ReactNode;
}

interface State {
  failed: boolean;
  resetKey: string | undefined;
}

/** Logs an error of a component below it, with the components it happened in, and shows the fallback. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { failed: false, resetKey: this.props.resetKey };

  static getDerivedStateFromError(): Partial<State> {
    return { failed: true };
  }

  static getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    return props.resetKey === state.resetKey ? null : { failed: false, resetKey: props.resetKey };
  }

  override componentDidCatch(thrown: unknown, info: ErrorInfo): void {
    const { name, message, stack } = described(thrown);
    // Which component was in which: places in the files too, so that the same maps tell more of them than short names.
    const components = info.componentStack ? `\nIn the components:${info.componentStack}` : "";
    this.props.client.log("error", "render", message, { error: name }, `${stack ?? message}${components}`);
  }

  override render(): ReactNode {
    return this.state.failed ? this.props.fallback(() => this.setState({ failed: false })) : this.props.children;
  }
}
