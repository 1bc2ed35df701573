import logging

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from . import signatures

logger = logging.getLogger(__name__)


class IsSignedByCarrier(BasePermission):
    message = "The signature is missing or wrong"

    def has_permission(self, request: Request, view: APIView) -> bool:
        signature = request.headers.get("X-Signature", "")
        valid = signatures.is_valid(signature, request._request.body, settings.CARRIER_WEBHOOK_SECRET)
        if not valid:
            logger.warning("Webhook refused", extra={"carrier": view.kwargs["carrier"]})
        return valid
