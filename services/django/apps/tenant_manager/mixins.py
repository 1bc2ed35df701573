"""Which tenant a request speaks for, and views that show and change that tenant's objects alone."""

import logging
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from config.logging import context

from .models import Role, Tenant

logger = logging.getLogger(__name__)


def asked_slug(request: HttpRequest | Request) -> str:
    """What the request names: the header ``X-Tenant``, else the subdomain of TENANT_DOMAIN in its host; or empty."""
    if slug := request.headers.get("X-Tenant"):
        return slug
    subdomain, _, domain = request.get_host().partition(":")[0].partition(".")
    return subdomain if domain and domain == settings.TENANT_DOMAIN else ""


class TenantMixin:
    """For API views: sets `request.tenant`, and `self.tenant`, to the tenant that the request names.

    400 when it names none, 403 for any tenant that the user is no member of, whether it exists or not, and for the
    methods of `owner_methods` unless the user is one of its owners.
    """

    tenant: Tenant
    owner_methods: Collection[str] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # authentication, permissions and throttles come first
        slug = asked_slug(request)
        if not slug:
            raise ValidationError({"X-Tenant": "Name the tenant by this header or by the host"})
        membership = request.user.memberships.select_related("tenant").filter(tenant__slug=slug).first()
        if membership is None:
            logger.warning("Tenant refused", extra={"asked_tenant": slug})
            raise PermissionDenied("Not a tenant of yours")
        self.tenant = request.tenant = membership.tenant
        context.bind(tenant=self.tenant.slug)
        if request.method in self.owner_methods and membership.role != Role.OWNER:
            logger.warning("Refused: for owners of the tenant alone")
            raise PermissionDenied("For owners of the tenant alone")


class TenantScopedMixin(TenantMixin):
    """For generic views of a TenantModel: the tenant's objects are all there is, and what is made is the tenant's."""

    def get_queryset(self) -> QuerySet:
        if getattr(self, "swagger_fake_view", False):  # the OpenAPI document is made without a request
            return super().get_queryset().none()
        return super().get_queryset().for_tenant(self.tenant)

    def perform_create(self, serializer: BaseSerializer) -> None:
        serializer.save(tenant=self.tenant)
