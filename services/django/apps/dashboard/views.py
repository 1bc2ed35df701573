import logging
import time

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.tenant_manager.mixins import TenantMixin

from .figures import figures
from .serializers import FiguresSerializer

SLOW_MS = 1000.0

logger = logging.getLogger(__name__)


class DashboardView(TenantMixin, APIView):
    """The tenant's figures: what its dispatcher looks at in the morning."""

    @extend_schema(responses=FiguresSerializer)
    def get(self, request: Request) -> Response:
        started = time.perf_counter()
        found = figures(self.tenant)
        duration = round((time.perf_counter() - started) * 1000, 1)
        level = logging.WARNING if duration > SLOW_MS else logging.INFO
        logger.log(
            level, "Figures of %d parcels", found["parcels"], extra={"duration_ms": duration, "stale": found["stale"]}
        )
        return Response(FiguresSerializer(found).data)
