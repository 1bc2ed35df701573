import logging

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import generics, status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.integrations import labels
from apps.integrations.carriers import CarrierClient, CarrierError
from apps.integrations.tasks import put_label
from apps.tenant_manager.views import TenantMixin

from .models import Parcel
from .serializers import ParcelSerializer, ScanSerializer

logger = logging.getLogger(__name__)


class UpstreamUnavailable(APIException):
    """Another's service, which the answer needs, gave none."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_code = "upstream_unavailable"


class ParcelQueryset(TenantMixin):
    """The tenant's own parcels: the one place that views take them from."""

    serializer_class = ParcelSerializer
    lookup_field = "reference"

    def get_queryset(self) -> QuerySet[Parcel]:
        return Parcel.objects.filter(tenant=self.tenant)


class ParcelListView(ParcelQueryset, generics.ListCreateAPIView):
    def perform_create(self, serializer: BaseSerializer) -> None:
        parcel = serializer.save(tenant=self.tenant)
        logger.info("Parcel %s created", parcel, extra={"parcel_id": parcel.pk})


class ParcelView(ParcelQueryset, generics.RetrieveAPIView):
    pass


class ScanListView(ParcelQueryset, generics.GenericAPIView):
    serializer_class = ScanSerializer

    @transaction.atomic
    def post(self, request: Request, reference: str) -> Response:
        parcel = self.get_object()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        scan = parcel.record_scan(**serializer.validated_data)
        logger.info("Parcel %s is %s", parcel, scan.status, extra={"parcel_id": parcel.pk, "location": scan.location})
        return Response(self.get_serializer(scan).data, status=status.HTTP_201_CREATED)


class TrackView(ParcelQueryset, generics.GenericAPIView):
    """Where the parcel has been."""

    def get(self, request: Request, reference: str) -> Response:
        parcel = self.get_object()
        scans = parcel.scans.all()
        logger.debug("Parcel %s tracked", parcel, extra={"parcel_id": parcel.pk})
        return Response(
            {"reference": parcel.reference, "status": parcel.status, "scans": ScanSerializer(scans, many=True).data}
        )


class LabelView(ParcelQueryset, generics.GenericAPIView):
    """POST queues the task that puts the label into the label store; GET gives the label, in ZPL, from there."""

    def get(self, request: Request, reference: str) -> HttpResponse:
        parcel = self.get_object()
        if not parcel.label_key:
            raise NotFound("The label is not stored yet")
        try:
            label = labels.get_label(parcel.label_key)
        except labels.STORE_ERRORS as error:
            logger.exception("Label of %s not read", parcel, extra={"parcel_id": parcel.pk})
            raise UpstreamUnavailable("The label store gave no answer") from error
        return HttpResponse(label, content_type="application/zpl")

    def post(self, request: Request, reference: str) -> Response:
        parcel = self.get_object()
        task = put_label.delay(parcel.pk)
        logger.info("Label of %s queued", parcel, extra={"parcel_id": parcel.pk, "queued_task_id": task.id})
        return Response({"reference": parcel.reference, "task_id": task.id}, status=status.HTTP_202_ACCEPTED)


class QuoteView(ParcelQueryset, generics.GenericAPIView):
    """Asks the carrier for its price; 502 when it gives none."""

    def post(self, request: Request, reference: str) -> Response:
        parcel = self.get_object()
        try:
            quote = CarrierClient().quote(parcel.carrier, parcel.destination, parcel.weight_grams)
        except CarrierError as error:
            logger.exception("No quote for %s from %s", parcel, parcel.carrier, extra={"parcel_id": parcel.pk})
            raise UpstreamUnavailable("The carrier gave no answer") from error
        logger.info("Quote for %s from %s", parcel, parcel.carrier, extra={"parcel_id": parcel.pk})
        return Response(quote)
