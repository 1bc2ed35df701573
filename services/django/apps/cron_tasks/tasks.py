"""What beat has done regularly; its schedule is CELERY_BEAT_SCHEDULE."""

import logging
from datetime import timedelta

from celery import shared_task
from django.contrib.sessions.models import Session
from django.db.models import Count
from django.utils import timezone

from apps.common.jobs import JobState
from apps.integrations.models import WebhookDelivery
from apps.manage_reports.models import Kind, Report
from apps.manage_reports.tasks import make_report
from apps.notification.models import Notice
from apps.notification.tasks import send_notice
from apps.parcels.models import Parcel, ParcelExport, is_stale
from apps.tenant_manager.models import Tenant

# A notice that waits so long lost its task, with a broker that lost its memory or a worker that was killed; the longest
# pause between two tries is shorter.
NOTICE_LOST_AFTER = timedelta(minutes=30)
MOST_NOTICES = 500  # sent anew at once
# A copy of a webhook is refused by its timestamp long before.
DELIVERIES_KEPT = timedelta(days=7)

logger = logging.getLogger(__name__)


@shared_task
def report_stale_parcels() -> int:
    """Warn, tenant by tenant, of parcels on their way that nobody has seen for a week; returns how many they are."""
    tenants = Parcel.objects.filter(is_stale()).order_by().values_list("tenant__slug").annotate(count=Count("pk"))
    total = 0
    for tenant, count in tenants:
        logger.warning("%d parcels not seen for a week", count, extra={"tenant": tenant, "stale_parcels": count})
        total += count
    logger.info("Stale parcels counted: %d", total, extra={"stale_parcels": total})
    return total


@shared_task
def make_daily_reports() -> int:
    """Ask for each tenant's report of yesterday, unless that was done; returns how many were asked for."""
    yesterday = timezone.now().date() - timedelta(days=1)
    asked = 0
    for tenant in Tenant.objects.all():
        report, new = Report.scheduled(tenant, Kind.DELIVERIES, yesterday)
        if new:
            make_report.delay(report.pk)
            logger.info("Daily report queued", extra={"tenant": tenant.slug, "report_id": report.pk})
            asked += 1
    logger.info("Daily reports asked for: %d", asked, extra={"reports": asked, "day": yesterday.isoformat()})
    return asked


@shared_task
def recover_lost_work() -> int:
    """Give up exports and reports that nobody works on any more, send lost notices anew; returns how many they are."""
    total = 0
    for model in (ParcelExport, Report):
        given_up = model.objects.abandoned().update(
            state=JobState.FAILED,
            error="It was interrupted. Please ask again.",
            finished_at=timezone.now(),
            updated_at=timezone.now(),
        )
        if given_up:
            name = model._meta.verbose_name
            logger.error("%d unfinished: %s", given_up, name, extra={"job": name, "given_up": given_up})
        total += given_up
    lost = Notice.objects.unclaimed().filter(updated_at__lt=timezone.now() - NOTICE_LOST_AFTER)
    for pk in list(lost.order_by("pk").values_list("pk", flat=True)[:MOST_NOTICES]):
        Notice.objects.filter(pk=pk).update(updated_at=timezone.now())
        send_notice.delay(pk)
        logger.warning("Notice %s queued again", pk, extra={"notice_id": pk})
        total += 1
    return total


@shared_task
def forget_webhook_deliveries() -> int:
    """Delete what is remembered of webhooks that could not take effect again anyway; returns how many they were."""
    old = WebhookDelivery.objects.filter(received_at__lt=timezone.now() - DELIVERIES_KEPT)
    deleted, _ = old.delete()
    logger.info("Webhook deliveries forgotten: %d", deleted, extra={"deleted": deleted})
    return deleted


@shared_task
def forget_sessions() -> int:
    """Delete the sessions that have expired, as `manage.py clearsessions` does; returns how many they were."""
    deleted, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    logger.info("Sessions forgotten: %d", deleted, extra={"deleted": deleted})
    return deleted
