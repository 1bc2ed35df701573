import logging
import tempfile

from celery import shared_task
from django.conf import settings

from apps.integrations import store

from . import exports
from .models import ParcelExport

logger = logging.getLogger(__name__)


@shared_task
def export_parcels(export_id: int) -> None:
    """Write an export's CSV file into the document store, telling of its progress."""
    export = ParcelExport.objects.select_related("tenant").get(pk=export_id)
    extra = {"export_id": export.pk, "tenant": export.tenant.slug}
    with export.running() as mine:
        if not mine:
            logger.info("Export %s was taken before", export.pk, extra=extra)
            return
        found = exports.parcels(export)
        total = found.count()
        key = f"{export.tenant.slug}/exports/{export.pk}.csv"
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as file:
            for rows in exports.write_csv(found, file):
                export.advance(rows, total)
            file.seek(0)
            store.put_file(settings.EXPORT_BUCKET, key, file.buffer)
        export.rows, export.key = rows, key
    logger.info("Export %s holds %d parcels", export.pk, rows, extra={**extra, "rows": rows})
