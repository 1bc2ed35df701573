import logging

from celery import shared_task
from django.core.mail import send_mail
from django.utils import timezone

from .models import Notice

logger = logging.getLogger(__name__)


@shared_task
def send_notice(notice_id: int) -> None:
    """Send a notice by e-mail, unless that was done."""
    notice = Notice.objects.get(pk=notice_id)
    if notice.sent_at:
        logger.info("Notice %s was sent before", notice.pk, extra={"notice_id": notice.pk})
        return
    send_mail(notice.subject, notice.body, from_email=None, recipient_list=[notice.recipient])
    notice.sent_at = timezone.now()
    notice.save(update_fields=["sent_at"])
    logger.info("Notice %s sent", notice.pk, extra={"notice_id": notice.pk})
