"""syslog_pri: a syslog priority becomes facility and severity."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from .. import fieldref
from ..event import Event, tag
from ..grok import to_int
from ..plugin import Filter, Option, array, boolean, field_reference
from ..text import ruby_text

_FACILITIES = [
    "kernel", "user-level", "mail", "daemon", "security/authorization", "syslogd", "line printer", "network news",
    "uucp", "clock", "security/authorization", "ftp", "ntp", "log audit", "log alert", "clock",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]  # fmt: skip
_SEVERITIES = ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"]
# user-level, notice: what RFC 3164 says of a message without one.
_DEFAULT_PRIORITY = 13


class SyslogPri(Filter):
    name = "syslog_pri"
    options: ClassVar = {
        "use_labels": Option(boolean, True),
        "facility_labels": Option(array, _FACILITIES),
        "severity_labels": Option(array, _SEVERITIES),
        "syslog_pri_field_name": Option(field_reference),
        "tag_on_failure": Option(array, ["_syslogpriparsefailure"]),
    }

    def apply(self) -> Callable[[Event], None]:
        ecs = self.ecs
        source = fieldref.parse(self.syslog_pri_field_name or ("[log][syslog][priority]" if ecs else "syslog_pri"))
        names = (
            ("[log][syslog][facility][code]", "[log][syslog][severity][code]",
             "[log][syslog][facility][name]", "[log][syslog][severity][name]")
            if ecs
            else ("syslog_facility_code", "syslog_severity_code", "syslog_facility", "syslog_severity")
        )  # fmt: skip
        paths = [fieldref.parse(name) for name in names]
        matched = self.matched()

        def syslog_pri(event: Event) -> None:
            value = fieldref.get(event, source)
            if type(value) is list:
                value = value[0] if value else None
            text = ruby_text(value)
            priority = _DEFAULT_PRIORITY if value is None else to_int(text)
            if value is not None and (not text.strip().isdigit() or priority > 191):
                for name in self.tag_on_failure:
                    tag(event, name)
                return
            facility, severity = divmod(priority, 8)
            values: list[int | str] = [facility, severity]
            if self.use_labels:
                values += [self.facility_labels[facility], self.severity_labels[severity]]
            for path, item in zip(paths, values, strict=False):
                fieldref.set_(event, path, item)
            if matched:
                matched(event)

        return syslog_pri


plugin = SyslogPri
