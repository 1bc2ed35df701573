import logging

from django.db import transaction
from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from apps.data_governance.audit import audit
from apps.parcels.models import Parcel
from apps.tenant_manager.mixins import TenantScopedMixin

from .models import DeclaredItem, HSCode
from .serializers import DeclarationSerializer, HSCodeSerializer

logger = logging.getLogger(__name__)

SEARCH = OpenApiParameter("search", str, description="The first digits of a code, or words of a description")
MAX_WORDS = 8


class HSCodeListView(generics.ListAPIView):
    """HS codes, to look one up. They are everyone's: no tenant has its own."""

    serializer_class = HSCodeSerializer
    queryset = HSCode.objects.all()

    @extend_schema(parameters=[SEARCH])
    def get(self, request: Request) -> Response:
        return super().get(request)

    def get_queryset(self) -> QuerySet[HSCode]:
        codes = super().get_queryset()
        if search := self.request.query_params.get("search", "").replace("\0", ""):
            for word in search.split()[:MAX_WORDS]:
                codes = codes.filter(Q(code__startswith=word) | Q(description__icontains=word))
            if not codes.exists():
                # What people look for and don't find is what the table lacks.
                logger.info("No HS code found", extra={"search": search[:100]})
        return codes


class HSCodeView(generics.RetrieveAPIView):
    serializer_class = HSCodeSerializer
    queryset = HSCode.objects.all()


class DeclarationView(TenantScopedMixin, generics.GenericAPIView):
    """What a parcel is declared to hold. PUT replaces the whole declaration."""

    queryset = Parcel.objects.prefetch_related("declared_items")
    serializer_class = DeclarationSerializer
    lookup_field = "reference"

    def get(self, request: Request, reference: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    def put(self, request: Request, reference: str) -> Response:
        parcel = self.get_object()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        items = [DeclaredItem(parcel=parcel, **item) for item in serializer.validated_data["declared_items"]]
        with transaction.atomic():
            parcel.declared_items.all().delete()
            DeclaredItem.objects.bulk_create(items)
            audit("parcel.declared", parcel, items=len(items))
        codes = sorted({item.hs_code_id for item in items})
        logger.info("%d items of %s declared", len(items), parcel, extra={"parcel_id": parcel.pk, "hs_codes": codes})
        declared = sum(item.weight_grams for item in items)
        if declared > parcel.weight_grams:
            logger.warning(
                "%s is declared to weigh more than it does",
                parcel,
                extra={"parcel_id": parcel.pk, "declared_grams": declared, "weight_grams": parcel.weight_grams},
            )
        return Response(self.get_serializer(self.get_object()).data)
