import { LogClient, mapStack } from "../logging";

/** The page's log: `const logger = logs.logger("explorer"); logger.info("Exported", { rows })`. */
export const logs = new LogClient({ mapStack });
