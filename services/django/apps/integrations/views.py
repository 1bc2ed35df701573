import logging

from django.db import transaction
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.parcels.models import Parcel, Status
from config.logging import context

from .permissions import IsSignedByCarrier

logger = logging.getLogger(__name__)


class CarrierEventSerializer(serializers.Serializer):
    reference = serializers.CharField(max_length=20)
    location = serializers.CharField(max_length=200)
    status = serializers.ChoiceField(Status.choices)


class CarrierWebhookView(APIView):
    """A carrier reports where one of its parcels is. Its signature stands for a user."""

    authentication_classes = ()
    permission_classes = (IsSignedByCarrier,)

    @transaction.atomic
    def post(self, request: Request, carrier: str) -> Response:
        event = CarrierEventSerializer(data=request.data)
        event.is_valid(raise_exception=True)
        reference = event.validated_data.pop("reference")
        parcel = get_object_or_404(Parcel.objects.select_related("tenant"), reference=reference, carrier=carrier)
        context.bind(tenant=parcel.tenant.slug)
        scan = parcel.record_scan(**event.validated_data)
        logger.info(
            "%s reports %s %s", carrier, parcel, scan.status, extra={"parcel_id": parcel.pk, "carrier": carrier}
        )
        return Response({"reference": parcel.reference, "status": parcel.status})
