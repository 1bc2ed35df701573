"""What is done in the admin is audited too."""

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.db.models.signals import post_save
from django.dispatch import receiver

from .audit import record

ACTIONS = {ADDITION: "admin.added", CHANGE: "admin.changed", DELETION: "admin.deleted"}


@receiver(post_save, sender=LogEntry)
def audit_admin(instance: LogEntry, created: bool, **kwargs: Any) -> None:
    if created:
        object_type = f"{instance.content_type.app_label}.{instance.content_type.model}"
        action = ACTIONS.get(instance.action_flag, "admin.done")
        record(action, object_type, instance.object_id or "", None, instance.user_id, {})
