from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from . import client_events
from .serializers import ClientBatchSerializer


class ClientLogsView(APIView):
    """Takes in a batch of events from a browser. Open to anyone, so bounded in size and rate."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "client-logs"

    def post(self, request: Request) -> Response:
        batch = ClientBatchSerializer(data=request.data)
        batch.is_valid(raise_exception=True)
        events = batch.validated_data["events"]
        for event in events:
            client_events.write(event)
        return Response({"accepted": len(events)}, status=status.HTTP_202_ACCEPTED)
