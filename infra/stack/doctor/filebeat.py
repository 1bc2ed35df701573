"""The third hop: Filebeat, which reads the files and sends to Logstash."""

from elastic_transport import TransportError
from elasticsearch import ApiError

from native.runtime import ANSWER_SECONDS, HEALTHY, RuntimeFailure
from stack.doctor.chain import Chain
from stack.doctor.finding import Finding, broken, not_asked, ok, warning
from stack.store import Store

NAME = "Filebeat"
LOGS = "`make logs SERVICE=filebeat` says why"
# What below $1 this user may not read.
UNREADABLE = """
for path in "$1" "$1"/* "$1"/*/*.log*; do
    [ ! -e "$path" ] || { [ -r "$path" ] && { [ ! -d "$path" ] || [ -x "$path" ]; }; } || echo "$path"
done
"""
# Service, records, bytes and fingerprint of each file below $1 that was removed and that /proc/$2 has open.
REMOVED = """
for file in /proc/$2/fd/*; do
    path=$(readlink "$file")
    case $path in
        "$1"/*" (deleted)")
            folder=${path%/*} fingerprint=$(head -c 64 "$file" | sha256sum)
            echo "${folder##*/} $(grep -c '^[^\t]' "$file") $(stat -L -c %s "$file") ${fingerprint%% *}"
            ;;
    esac
done 2> /dev/null
"""


def runs(chain: Chain) -> Finding:
    state = chain.state("filebeat")
    if state != HEALTHY:
        return broken(
            f"its state is {state}: lines wait in their files", f"{LOGS}; `make up` starts a stack that is down"
        )
    try:
        figures = chain.runtime.filebeat_figures(chain.settings)
    except RuntimeFailure as error:
        return broken(f"its figures do not come: {error}", LOGS)
    files = figures["filebeat"]["harvester"]["open_files"]
    events = figures["libbeat"]["output"]["events"]
    told = f"{files} files open; since its start {events['acked']:,} events acknowledged, {events['active']} under way"
    if lost := events["dropped"]:
        return warning(f"{told}, {lost} dropped", f"{LOGS}; they are still in their files")
    return ok(told)


def reads(chain: Chain) -> Finding:
    place = chain.runtime.filebeat_place(chain.settings)
    unreadable = chain.runtime.run_in(chain.settings, "filebeat", "sh", "-c", UNREADABLE, "sh", place.logs).splitlines()
    if unreadable:
        more = f" and {len(unreadable) - 3} others" if len(unreadable) > 3 else ""
        return broken(
            f"permission denied: {', '.join(unreadable[:3])}{more}",
            "let Filebeat's user read them: the mode of a file is 640 or 644, that of a folder 750 or 755",
        )
    return ok(f"it may read all that is in {place.logs}")


def removed(chain: Chain) -> Finding:
    """What is in files that were rotated away, and that Filebeat still has open: it alone can read that.

    The registry keeps a removed file's offset as it was then. What was behind it is known by its documents.
    """
    place = chain.runtime.filebeat_place(chain.settings)
    told = chain.runtime.run_in(chain.settings, "filebeat", "sh", "-c", REMOVED, "sh", place.logs, place.process)
    open_files = [line.split() for line in told.splitlines()]
    offsets = chain.survey.offsets
    files = {
        (fingerprint, service, 0): int(records)
        for service, records, size, fingerprint in open_files
        if int(size) > offsets.get(fingerprint, 0)
    }
    try:
        found = Store(chain.settings, timeout=ANSWER_SECONDS).of_files(list(files))
    except (ApiError, TransportError):
        found = [0] * len(files)
    waiting = [records - count for records, count in zip(files.values(), found, strict=True) if count < records]
    if waiting:
        return warning(
            f"{len(waiting)} files were rotated away with {sum(waiting):,} lines that are not stored",
            "mend what is below first: these lines are lost when Filebeat starts again before they are",
        )
    return ok("no line waits in a file that was rotated away")


def reaches_logstash(chain: Chain) -> Finding:
    if (state := chain.parts.get("logstash", HEALTHY)) != HEALTHY:
        return not_asked(f"Logstash is {state}: see below")
    place = chain.runtime.filebeat_place(chain.settings)
    command = ("filebeat", "test", "output", "-c", place.config, "--path.data", place.data)
    try:
        told = chain.runtime.run_in(chain.settings, "filebeat", *command)
    except RuntimeFailure as error:
        told = str(error)
    lines = [line.strip() for line in told.splitlines()]
    where = next((line.removesuffix("...") for line in lines if line.startswith("logstash: ")), "logstash")
    if error := next((line for line in lines if "ERROR" in line), None):
        return broken(
            f"{where}: {error}",
            "LOGSTASH_HOST and LOGSTASH_PORT in .env; Filebeat has those of its start: `make down`, `make up`",
        )
    if not any(line.endswith("OK") for line in lines):
        return broken(f"{where}: {told.strip()[-300:]}", LOGS)
    return ok(f"{where} takes connections")


CHECKS = {"runs": runs, "reads": reads, "rotated away": removed, "reaches Logstash": reaches_logstash}
