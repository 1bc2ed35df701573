// Builds the front end into dist/. What Vite tells goes to the console and, as records in the project's pipe format, to
// build.log: nginx puts that file beside react.log, so a build's warnings are lines of the react stream.

import { appendFileSync, writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { randomBytes } from "node:crypto";
import { build, createLogger } from "vite";

const FILE = "build.log";

/** LEVEL|LOGGER|TIMESTAMP|MESSAGE: UTC with milliseconds, and no line break can look like a new record. */
function record(level, message) {
  const text = stripVTControlCharacters(message).trim().replaceAll("\r", "\\r").replaceAll("\n", "\\n");
  return `${level}|react.build|${new Date().toISOString().slice(0, -1)}|${text}\n`;
}

// Its first 64 bytes are the file's identity for Filebeat, as those of the files that Python writes.
writeFileSync(FILE, record("INFO", `${randomBytes(4).toString("hex")} ${FILE}[${process.pid}] opened`));

const logger = createLogger();
for (const [method, level] of Object.entries({ info: "INFO", warn: "WARNING", warnOnce: "WARNING", error: "ERROR" })) {
  const print = logger[method];
  logger[method] = (message, options) => {
    print(message, options);
    appendFileSync(FILE, record(level, message));
  };
}

try {
  await build({ customLogger: logger, build: { emptyOutDir: true } });
} catch (error) {
  logger.error(`The build failed: ${error.message}`);
  process.exitCode = 1;
}
