import logging

from django.db import transaction
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from apps.parcels.models import Parcel
from apps.tenant_manager.mixins import TenantMixin, TenantScopedMixin

from .anonymisation import anonymise
from .audit import audit
from .models import AuditEvent
from .serializers import AuditEventSerializer, ErasureSerializer

logger = logging.getLogger(__name__)


class AuditEventListView(TenantScopedMixin, generics.ListAPIView):
    """Who did what in the tenant, newest first, for its owners."""

    owner_methods = ("GET", "HEAD")
    serializer_class = AuditEventSerializer
    queryset = AuditEvent.objects.select_related("user")


class ErasureView(TenantMixin, generics.GenericAPIView):
    """Anonymises all parcels of a recipient, named as on the parcels, whatever their age. For the tenant's owners."""

    owner_methods = ("POST",)
    serializer_class = ErasureSerializer

    @transaction.atomic
    def post(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        parcels = Parcel.objects.for_tenant(self.tenant).filter(
            recipient__iexact=serializer.validated_data["recipient"]
        )
        count = anonymise(parcels)
        audit("parcels.anonymised", self.tenant, count=count, reason="request")
        # Not whose: the line would keep what is to be forgotten.
        logger.info("Recipient erased from %d parcels", count, extra={"parcels": count})
        return Response(self.get_serializer({"parcels": count}).data)
