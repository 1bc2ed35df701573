import logging

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.data_governance.audit import audit
from apps.integrations import labels, store
from apps.integrations.carriers import CarrierClient, CarrierError
from apps.integrations.tasks import book, put_label
from apps.tenant_manager.mixins import TenantScopedMixin

from . import exports
from .filters import ParcelFilter
from .models import Parcel, ParcelExport
from .serializers import ExportSerializer, ParcelSerializer, QueuedSerializer, ScanSerializer, TrackSerializer
from .tasks import export_parcels

logger = logging.getLogger(__name__)


class UpstreamUnavailable(APIException):
    """Another's service, which the answer needs, gave none."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_code = "upstream_unavailable"


class ParcelQueryset(TenantScopedMixin):
    """The tenant's own parcels: the one place that views take them from."""

    queryset = Parcel.objects.all()
    serializer_class = ParcelSerializer
    lookup_field = "reference"


class ParcelListView(ParcelQueryset, generics.ListCreateAPIView):
    """The tenant's parcels, newest first; narrowed by the parameters of ParcelFilter."""

    filter_backends = (DjangoFilterBackend,)
    filterset_class = ParcelFilter

    def perform_create(self, serializer: BaseSerializer) -> None:
        super().perform_create(serializer)
        parcel = serializer.instance
        logger.info("Parcel %s created", parcel, extra={"parcel_id": parcel.pk})


class ParcelView(ParcelQueryset, generics.RetrieveUpdateAPIView):
    http_method_names = ("get", "patch", "head", "options")

    def perform_update(self, serializer: BaseSerializer) -> None:
        changed = sorted(serializer.validated_data)
        parcel = serializer.save()
        audit("parcel.changed", parcel, fields=changed)
        logger.info("Parcel %s changed", parcel, extra={"parcel_id": parcel.pk, "fields": changed})


class ScanListView(ParcelQueryset, generics.ListCreateAPIView):
    """The parcel's scans, oldest first; POST adds one, and the parcel takes its status."""

    serializer_class = ScanSerializer

    def list(self, request: Request, reference: str) -> Response:
        page = self.paginate_queryset(self.get_object().scans.all())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def create(self, request: Request, reference: str) -> Response:
        parcel = self.get_object()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        parcel.tenant = self.tenant  # known here: nobody need ask for it
        scan = parcel.record_scan(**serializer.validated_data)
        logger.info("Parcel %s is %s", parcel, scan.status, extra={"parcel_id": parcel.pk, "location": scan.location})
        return Response(self.get_serializer(scan).data, status=status.HTTP_201_CREATED)


class TrackView(ParcelQueryset, generics.GenericAPIView):
    """Where the parcel has been."""

    serializer_class = TrackSerializer

    def get(self, request: Request, reference: str) -> Response:
        parcel = self.get_object()
        logger.debug("Parcel %s tracked", parcel, extra={"parcel_id": parcel.pk})
        return Response(self.get_serializer(parcel).data)


class LabelView(ParcelQueryset, generics.GenericAPIView):
    """POST queues the task that puts the label into the label store; GET gives the label, in ZPL, from there."""

    @extend_schema(responses={(200, "application/zpl"): OpenApiTypes.STR})
    def get(self, request: Request, reference: str) -> HttpResponse:
        parcel = self.get_object()
        if not parcel.label_key:
            raise NotFound("The label is not stored yet")
        try:
            label = labels.get_label(parcel.label_key)
        except store.STORE_ERRORS as error:
            logger.exception("Label of %s not read", parcel, extra={"parcel_id": parcel.pk})
            raise UpstreamUnavailable("The label store gave no answer") from error
        return HttpResponse(label, content_type="application/zpl")

    @extend_schema(request=None, responses={202: QueuedSerializer})
    def post(self, request: Request, reference: str) -> Response:
        parcel = self.get_object()
        task = put_label.delay(parcel.pk)
        logger.info("Label of %s queued", parcel, extra={"parcel_id": parcel.pk, "queued_task_id": task.id})
        return Response({"reference": parcel.reference, "task_id": task.id}, status=status.HTTP_202_ACCEPTED)


class QuoteView(ParcelQueryset, generics.GenericAPIView):
    """Asks the carrier for its price, and answers what it says; 502 when it gives none."""

    @extend_schema(request=None, responses={200: OpenApiTypes.OBJECT, 502: OpenApiResponse(description="No answer")})
    def post(self, request: Request, reference: str) -> Response:
        parcel = self.get_object()
        try:
            quote = CarrierClient().quote(parcel.carrier, parcel.destination, parcel.weight_grams)
        except CarrierError as error:
            logger.exception("No quote for %s from %s", parcel, parcel.carrier, extra={"parcel_id": parcel.pk})
            raise UpstreamUnavailable("The carrier gave no answer") from error
        logger.info("Quote for %s from %s", parcel, parcel.carrier, extra={"parcel_id": parcel.pk})
        return Response(quote)


class BookingView(ParcelQueryset, generics.GenericAPIView):
    """Queues the task that has the carrier fetch the parcel; done, the parcel has a `carrier_reference`."""

    @extend_schema(request=None, responses={202: QueuedSerializer})
    def post(self, request: Request, reference: str) -> Response:
        parcel = self.get_object()
        task = book.delay(parcel.pk)
        logger.info("Booking of %s queued", parcel, extra={"parcel_id": parcel.pk, "queued_task_id": task.id})
        return Response({"reference": parcel.reference, "task_id": task.id}, status=status.HTTP_202_ACCEPTED)


class ExportQueryset(TenantScopedMixin):
    queryset = ParcelExport.objects.all()
    serializer_class = ExportSerializer


class ExportListView(ExportQueryset, generics.ListCreateAPIView):
    """The tenant's exports, newest first; POST asks for one, which a task makes."""

    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        export = ParcelExport(tenant=self.tenant, requested_by=request.user, **serializer.validated_data)
        if exports.parcels(export)[exports.MAX_ROWS :].exists():
            raise ValidationError({"query": f"It selects more than {exports.MAX_ROWS} parcels: narrow it"})
        export.save()
        # Which filters, not what for: people search by name.
        audit("parcels.exported", export, filters=sorted(QueryDict(export.query)))
        export_parcels.delay(export.pk)
        logger.info("Export %s queued", export.pk, extra={"export_id": export.pk})
        export.refresh_from_db()
        return Response(self.get_serializer(export).data, status=status.HTTP_202_ACCEPTED)


class ExportView(ExportQueryset, generics.RetrieveAPIView):
    """An export's state and progress, in percent."""


class ExportDownloadView(ExportQueryset, generics.GenericAPIView):
    """The export's CSV file; 404 until it is done."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, pk: int) -> HttpResponse:
        export = self.get_object()
        if not export.key:
            raise NotFound("The export is not done")
        try:
            body = store.get(settings.EXPORT_BUCKET, export.key)
        except store.STORE_ERRORS as error:
            logger.exception("Export %s not read", export.pk, extra={"export_id": export.pk})
            raise UpstreamUnavailable("The document store gave no answer") from error
        audit("parcels.export_downloaded", export)
        headers = {"Content-Disposition": f'attachment; filename="parcels-{export.pk}.csv"'}
        return HttpResponse(body, content_type="text/csv; charset=utf-8", headers=headers)
