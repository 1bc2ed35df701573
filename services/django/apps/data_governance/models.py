from django.conf import settings
from django.db import models

from apps.common.models import TenantQuerySet


class AuditEvent(models.Model):
    """Who did what, on which object. Written by `audit.audit`, never changed."""

    # Null: done before a tenant was known, or by no one's request (a periodic task).
    tenant = models.ForeignKey(
        "tenant_manager.Tenant", null=True, on_delete=models.CASCADE, related_name="audit_events"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="audit_events"
    )
    action = models.CharField(max_length=100)  # e.g. parcel.exported
    # Ids, not names: these may be personal data, which this log outlives.
    object_type = models.CharField(max_length=100, blank=True)  # e.g. parcels.parcel
    object_id = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}".rstrip()
