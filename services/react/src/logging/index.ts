export { LogClient, type LogCall, type LogClientOptions, type Logger } from "./client";
export { newId, type Level, type LogEvent } from "./event";
export { captureErrors } from "./errors";
export { ErrorBoundary } from "./ErrorBoundary";
export { mapStack } from "./stacks";
export { reportVitals } from "./vitals";
