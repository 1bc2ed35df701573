import logging
import time
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.data_governance.audit import audit
from apps.tenant_manager.mixins import TenantMixin
from apps.tenant_manager.models import Tenant

from . import client_events, search, store
from .serializers import (
    AcceptedSerializer,
    ClientBatchSerializer,
    FoundSerializer,
    MemberSearchSerializer,
    StaffSearchSerializer,
    cursor,
)
from .throttling import EventThrottle

logger = logging.getLogger(__name__)


class ClientLogsView(APIView):
    """Takes in a batch of events from a browser. Open to anyone, so bounded in size and rate."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (EventThrottle,)
    event_throttle: EventThrottle

    @extend_schema(request=ClientBatchSerializer, responses={202: AcceptedSerializer})
    def post(self, request: Request) -> Response:
        batch = ClientBatchSerializer(data=request.data)
        if not batch.is_valid():
            logger.warning("Client events refused")  # not what was wrong with them: that is a stranger's text
            batch.is_valid(raise_exception=True)
        events = batch.validated_data["events"]
        self.event_throttle.take(len(events) - 1)
        if new := client_events.new(events):
            for event in new:
                client_events.write(event)
            client_events.remember(new)
        return Response({"accepted": len(events)}, status=status.HTTP_202_ACCEPTED)


class SearchView(TenantMixin, APIView):
    """Searches what all services have logged. A tenant's members find their tenant's lines, staff find all.

    What would cost too much is refused, in words; a search that takes too long is stopped, and says so.
    """

    tenant: Tenant | None = None
    throttle_scope = "log-search"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Staff speak for no tenant.
        start = super(TenantMixin, self).initial if request.user.is_staff else super().initial
        start(request, *args, **kwargs)

    @extend_schema(
        parameters=[StaffSearchSerializer],
        responses={200: FoundSerializer, 503: OpenApiResponse(description="The log store gave no answer")},
    )
    def get(self, request: Request) -> Response:
        serializer = StaffSearchSerializer if self.tenant is None else MemberSearchSerializer
        # Lists as lists: each parameter may stand there more than once.
        asked = serializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.search(self.tenant.slug if self.tenant else None)
        started = time.perf_counter()
        answer = search.run(wanted)
        hits, total = answer["hits"]["hits"], answer["hits"]["total"]
        stopped = store.stopped(answer)
        extra = {"duration_ms": round((time.perf_counter() - started) * 1000, 1), "hits": total["value"]}
        if stopped:
            logger.warning("Search of the logs stopped", extra=extra)
        else:
            logger.info("Logs searched", extra=extra)
        audit("logs.searched", tenant=self.tenant, parameters=sorted(request.query_params))
        found = {
            "complete": not stopped,
            "total": total["value"],
            "total_is_exact": total["relation"] == "eq",
            "lines": [hit["_source"] for hit in hits],
            "next": cursor(hits[-1]["sort"]) if len(hits) == wanted.size else None,
        }
        if stopped:
            found["detail"] = f"Stopped after {store.SEARCH_SECONDS} seconds: ask for less time or for more words"
        return Response(found)
