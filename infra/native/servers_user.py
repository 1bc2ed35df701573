"""Who the servers run as when root starts the stack.

Elasticsearch refuses to run as root, and Redis, nginx and Filebeat have no need to. They run as a fixed numeric id that
needs no entry in /etc/passwd: nothing is added to the machine. It lies where neither people (1000 to 60000) nor
systemd's dynamic users (61184 to 65519) are, see https://systemd.io/UIDS-GIDS/. The Python parts stay root: their
interpreter and their checkout may lie in root's home, which no other user can enter.
"""

import os
from pathlib import Path

SERVERS_ID = 60900


def dropped() -> bool:
    """Whether the servers run as another user than the one who starts them."""
    return os.geteuid() == 0


def command_prefix() -> list[str]:
    """What to put before a server's command."""
    if not dropped():
        return []
    return ["setpriv", f"--reuid={SERVERS_ID}", f"--regid={SERVERS_ID}", "--clear-groups", "--no-new-privs", "--"]


def give(folder: Path) -> None:
    """Hand a folder and all in it to the servers' user."""
    if dropped():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, SERVERS_ID, SERVERS_ID, follow_symlinks=False)


def blocked_at(folder: Path) -> Path | None:
    """The first existing folder above `folder` that the servers' user cannot enter."""
    if not dropped():
        return None
    for parent in reversed(folder.absolute().parents):
        if parent.exists():
            status = parent.stat()
            enter = 0o100 if status.st_uid == SERVERS_ID else 0o010 if status.st_gid == SERVERS_ID else 0o001
            if not status.st_mode & enter:
                return parent
    return None
