"""logstash_py where the official image has Logstash, at the same paths.

The official image writes variables that are called like settings into logstash.yml, and does not start where that is
mounted read-only; so here too.
"""

import os
import sys

HOME = "/usr/share/logstash"
# Of its env2yaml, those that are apt to be set by accident.
SETTINGS = (
    "api.enabled api.http.host api.http.port node.name path.data path.config path.logs path.queue log.level log.format "
    "pipeline.id pipeline.workers pipeline.batch.size pipeline.batch.delay queue.type queue.max_bytes config.string "
    "dead_letter_queue.enable dead_letter_queue.max_bytes http.host http.port modules cloud.id cloud.auth"
)


def squashed(name: str) -> str:
    return name.lower().replace(".", "").replace("_", "")


def main() -> None:
    settings = {squashed(name): name for name in SETTINGS.split()}
    for name in os.environ:
        if squashed(name) in settings:
            sys.exit(f"{name}: would be written into logstash.yml as {settings[squashed(name)]}, which is read-only")
    command = [sys.executable, "-m", "logstash_py", "run", "--path.settings", f"{HOME}/config"]
    os.execv(command[0], [*command, "--path.data", f"{HOME}/data"])  # noqa: S606


if __name__ == "__main__":
    main()
