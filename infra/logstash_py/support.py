"""The table of the README: `python -m logstash_py.support` prints what each plugin carries out, from the plugins
themselves."""

from __future__ import annotations

from . import tls
from .plugin import KINDS, find, names

HEADER = "| plugin | options that are carried out | refused |\n| --- | --- | --- |"


def table() -> str:
    """Markdown, without the common options. Refused options are those of Logstash's that are told with a reason or a
    remedy; any other name is told as unknown."""
    rows = [HEADER]
    for kind in KINDS:
        for name in names(kind):
            factory = find(kind, name)
            carried = sorted(factory.options.keys() - factory.common)
            refused = sorted(factory.refused.keys() - tls.REFUSED)
            if factory.refused.keys() >= tls.REFUSED.keys():
                refused.append("the old names of TLS options, ciphers and Java's key stores")
            rows.append(f"| {kind} {name} | {', '.join(carried) or 'none'} | {', '.join(refused) or 'none'} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
