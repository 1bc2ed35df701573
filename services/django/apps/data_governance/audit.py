"""The audit log: who did what, on which object, as a row and as a line."""

import logging
from typing import Any

from django.db import models, transaction

from apps.tenant_manager.models import Tenant
from config.logging import context

from .models import AuditEvent

logger = logging.getLogger(__name__)


def audit(
    action: str, on: models.Model | None = None, /, *, tenant: Tenant | None = None, **details: Any
) -> AuditEvent:
    """Record that the user of the log context did `action` (``<noun>.<verb in the past>``) on the object `on`.

    The event's tenant is `tenant`, else the object's own. `details` are values of JSON, and no personal data.
    The row is of the caller's transaction, and the line is written when that is committed: what was rolled back was not
    done. (In a test that runs in a transaction, `django_capture_on_commit_callbacks(execute=True)` writes the lines.)
    """
    if tenant is None:
        tenant = on if isinstance(on, Tenant) else getattr(on, "tenant", None)
    object_type, object_id = (on._meta.label_lower, str(on.pk)) if on is not None else ("", "")
    return record(action, object_type, object_id, tenant, context.current().get("user_id"), details)


def record(
    action: str, object_type: str, object_id: str, tenant: Tenant | None, user_id: int | None, details: dict[str, Any]
) -> AuditEvent:
    """As `audit`, for an object that need not exist any more and a user that the log context need not know."""
    bound = context.current()
    event = AuditEvent.objects.create(
        tenant=tenant,
        user_id=user_id,
        action=action,
        object_type=object_type,
        object_id=object_id,
        details=details,
        request_id=bound.get("request_id") or "",
    )
    # With the context of now: by the time of the commit it may be another's.
    extra = {key: value for key, value in bound.items() if not callable(value)}
    extra |= {"audit_id": event.pk, "action": action, "object_type": object_type, "object_id": object_id}
    if user_id:
        extra["user_id"] = user_id
    if tenant:
        extra["tenant"] = tenant.slug
    if details:
        extra["details"] = details
    transaction.on_commit(lambda: logger.info("%s", event, extra=extra))
    return event
