import logging

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from . import signatures

logger = logging.getLogger(__name__)


class IsSignedByCarrier(BasePermission):
    """Sets the view's `delivery_id`."""

    message = "The signature is missing, wrong or too old"

    def has_permission(self, request: Request, view: APIView) -> bool:
        try:
            view.delivery_id = signatures.verify(
                request.headers, request._request.body, settings.CARRIER_WEBHOOK_SECRET
            )
        except signatures.WrongSignature as error:
            logger.warning("Webhook refused: %s", error, extra={"carrier": view.kwargs["carrier"]})
            return False
        return True
