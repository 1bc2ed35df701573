import logging

from celery import shared_task

from .models import Report
from .tables import TABLES

logger = logging.getLogger(__name__)


@shared_task
def make_report(report_id: int) -> None:
    """Make a report's table, telling of its progress."""
    report = Report.objects.select_related("tenant").get(pk=report_id)
    extra = {"report_id": report.pk, "kind": report.kind, "tenant": report.tenant.slug}
    with report.running() as mine:
        if not mine:
            logger.info("Report %s was taken before", report.pk, extra=extra)
            return
        table = TABLES[report.kind]
        total, rows = table.rows(report)
        made = []
        for row in rows:
            made.append(row)
            report.advance(len(made), total)
        report.columns, report.rows = table.columns, made
    logger.info("Report %s has %d rows", report.pk, len(made), extra={**extra, "rows": len(made)})
