import logging

from celery import Task, shared_task
from celery.utils.time import get_exponential_backoff_interval

from . import delivery
from .models import Notice, State

FIRST_WAIT, LONGEST_WAIT = 2, 600  # seconds, up to a random part of each

logger = logging.getLogger(__name__)


@shared_task(bind=True, max_retries=8)
def send_notice(self: Task, notice_id: int) -> None:
    """Send a notice, unless that was done. What may work later is tried again, with longer and longer waits.

    A notice is sent once, but for one case: the worker that has sent it is killed before it can note that.
    """
    notice = Notice.objects.select_related("tenant", "endpoint").get(pk=notice_id)
    extra = {"notice_id": notice.pk, "channel": notice.channel, "tenant": notice.tenant.slug}
    if not notice.claim():
        done = "sent before" if notice.state == State.SENT else "given up or is being sent"
        logger.info("Notice %s was %s", notice.pk, done, extra=extra)
        return
    extra["attempt"] = self.request.retries + 1
    try:
        delivery.send(notice)
    except delivery.NotDelivered as error:
        if self.request.retries >= self.max_retries:
            notice.release(State.FAILED, str(error))
            logger.exception("Notice %s not sent", notice.pk, extra=extra)
            raise
        notice.release(State.QUEUED, str(error))
        logger.warning("Notice %s not sent yet: %s", notice.pk, error, extra=extra)
        wait = get_exponential_backoff_interval(FIRST_WAIT, self.request.retries, LONGEST_WAIT, full_jitter=True)
        raise self.retry(exc=error, countdown=wait) from error
    except Exception as error:
        notice.release(State.FAILED, str(error) if isinstance(error, delivery.Undeliverable) else "Internal error")
        logger.exception("Notice %s can't be sent", notice.pk, extra=extra)
        raise
    notice.release(State.SENT)
    logger.info("Notice %s sent", notice.pk, extra=extra)
