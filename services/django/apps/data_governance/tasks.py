import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from apps.tenant_manager.models import Tenant

from .anonymisation import anonymise, past_retention
from .audit import audit
from .models import AuditEvent

logger = logging.getLogger(__name__)


@shared_task
def apply_retention() -> dict[str, int]:
    """Anonymise old parcels and delete old audit events; returns how many: ``{"parcels": 3, "audit_events": 0}``."""
    parcels = 0
    for tenant in Tenant.objects.filter(parcels__in=past_retention()).distinct():
        count = anonymise(past_retention().for_tenant(tenant))
        if count:
            audit("parcels.anonymised", tenant, count=count, reason="retention")
        parcels += count
    kept_since = timezone.now() - timedelta(days=settings.AUDIT_RETENTION_DAYS)
    events, _ = AuditEvent.objects.filter(created_at__lt=kept_since).delete()
    done = {"parcels": parcels, "audit_events": events}
    logger.info("Retention applied: %d parcels anonymised, %d audit events deleted", parcels, events, extra=done)
    return done
