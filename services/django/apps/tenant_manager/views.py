import logging
from typing import Any

from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.logging import context

from .models import Tenant

logger = logging.getLogger(__name__)


class TenantMixin:
    """For API views: sets `self.tenant` from the header ``X-Tenant``, which must name a tenant of the user's.

    400 without the header, 403 for any other tenant, whether it exists or not.
    """

    tenant: Tenant

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # authentication, permissions and throttles come first
        slug = request.headers.get("X-Tenant")
        if not slug:
            raise ValidationError({"X-Tenant": "This header is required"})
        tenant = request.user.tenants.filter(slug=slug).first()
        if tenant is None:
            logger.warning("Tenant refused", extra={"asked_tenant": slug})
            raise PermissionDenied("Not a tenant of yours")
        self.tenant = tenant
        context.bind(tenant=tenant.slug)


class CurrentTenantView(TenantMixin, APIView):
    def get(self, request: Request) -> Response:
        logger.info("Tenant %s read", self.tenant)
        return Response({"slug": self.tenant.slug, "name": self.tenant.name})
