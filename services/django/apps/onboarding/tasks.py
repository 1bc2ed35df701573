import logging
from smtplib import SMTPException

from celery import shared_task
from django.core.mail import send_mail

from apps.tenant_manager.models import Role, Tenant

logger = logging.getLogger(__name__)


@shared_task(autoretry_for=(OSError, SMTPException), max_retries=5, retry_backoff=True)
def welcome(tenant_id: int) -> None:
    """Welcome a new tenant's owners by e-mail; tried again for some minutes while the mail server is unreachable."""
    tenant = Tenant.objects.get(pk=tenant_id)
    owners = tenant.members.filter(memberships__role=Role.OWNER).values_list("email", flat=True)
    send_mail(
        f"Welcome, {tenant.name}",
        f"Your parcels are now tracked under the name {tenant.slug}. Sign in and create the first.",
        from_email=None,
        recipient_list=list(owners),
    )
    logger.info("Tenant %s welcomed", tenant, extra={"tenant_id": tenant.pk, "recipients": len(owners)})
