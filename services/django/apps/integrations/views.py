import logging

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.parcels.models import Parcel
from config.logging import context

from .models import WebhookDelivery
from .permissions import IsSignedByCarrier
from .serializers import CarrierEventSerializer, CarrierEventTakenSerializer

logger = logging.getLogger(__name__)


class CarrierWebhookView(APIView):
    """A carrier reports where one of its parcels is. Its signature stands for a user; see `signatures`.

    A delivery takes effect once, however often it is sent.
    """

    authentication_classes = ()
    permission_classes = (IsSignedByCarrier,)
    delivery_id: str

    @extend_schema(request=CarrierEventSerializer, responses=CarrierEventTakenSerializer)
    @transaction.atomic
    def post(self, request: Request, carrier: str) -> Response:
        event = CarrierEventSerializer(data=request.data)
        event.is_valid(raise_exception=True)
        reference = event.validated_data.pop("reference")
        parcel = get_object_or_404(Parcel.objects.select_related("tenant"), reference=reference, carrier=carrier)
        context.bind(tenant=parcel.tenant.slug)
        extra = {"parcel_id": parcel.pk, "carrier": carrier, "delivery_id": self.delivery_id}
        _, new = WebhookDelivery.objects.get_or_create(carrier=carrier, delivery_id=self.delivery_id)
        if new:
            scan = parcel.record_scan(**event.validated_data)
            logger.info("%s reports %s %s", carrier, parcel, scan.status, extra=extra)
        else:
            logger.warning("%s repeats a report on %s", carrier, parcel, extra=extra)
        return Response({"reference": parcel.reference, "status": parcel.status, "duplicate": not new})
