import logging
from dataclasses import dataclass

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import AllowAny
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from apps.data_governance.audit import audit
from apps.parcels.models import Parcel
from apps.tenant_manager.mixins import TenantMixin
from apps.tenant_manager.models import Tenant
from config.logging import context

from .models import Brand
from .serializers import BrandSerializer, TrackingSerializer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tracking:
    tenant: Tenant
    brand: Brand
    parcel: Parcel


def brand_of(tenant: Tenant) -> Brand:
    """The tenant's brand; one of defaults, not saved, where it has none."""
    return Brand.objects.filter(tenant=tenant).first() or Brand(tenant=tenant)


class TrackingView(APIView):
    """Where a parcel is, for whoever knows its reference: no sign-in, and nothing about the recipient."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "tracking"

    @extend_schema(responses=TrackingSerializer)
    def get(self, request: Request, tenant: str, reference: str) -> Response:
        return Response(TrackingSerializer(self.tracking(tenant, reference)).data)

    def tracking(self, slug: str, reference: str) -> Tracking:
        parcel = (
            Parcel.objects.select_related("tenant")
            .prefetch_related("scans")
            .filter(tenant__slug=slug, reference=reference)
            .first()
        )
        if parcel is None:
            logger.info("Tracking of an unknown parcel", extra={"asked_tenant": slug, "reference": reference})
            raise Http404
        context.bind(tenant=slug)
        logger.info("Parcel %s looked up by its recipient", parcel, extra={"parcel_id": parcel.pk})
        return Tracking(parcel.tenant, brand_of(parcel.tenant), parcel)


class TrackingPageView(TrackingView):
    """The same as a page, in the tenant's colours."""

    renderer_classes = (TemplateHTMLRenderer,)
    template_name = "branded/tracking.html"
    schema = None  # a page, no part of the API

    def get(self, request: Request, tenant: str, reference: str) -> Response:
        return Response({"tracking": self.tracking(tenant, reference)})


class BrandView(TenantMixin, generics.RetrieveUpdateAPIView):
    """How the tenant's public pages look. Its owners may change it."""

    http_method_names = ("get", "patch", "head", "options")
    owner_methods = ("PATCH",)
    serializer_class = BrandSerializer

    def get_object(self) -> Brand:
        return brand_of(self.tenant)

    def perform_update(self, serializer: BaseSerializer) -> None:
        brand = serializer.save()
        audit("brand.changed", brand, fields=sorted(serializer.validated_data))
        logger.info("Brand changed", extra={"fields": sorted(serializer.validated_data)})
