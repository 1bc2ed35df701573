"""Health and metrics."""

import logging

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET
from django_prometheus.exports import ExportToDjangoView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from . import health as dependencies
from .clients import is_on_this_host

logger = logging.getLogger(__name__)


@require_GET
def health(request: HttpRequest) -> JsonResponse:
    """200 when this process can use its database, else 503."""
    try:
        dependencies.database()
    except DatabaseError:
        logger.exception("The database is unreachable")
        return JsonResponse({"status": "error", "database": "unreachable"}, status=503)
    return JsonResponse({"status": "ok"})


@require_GET
def auth_health(request: HttpRequest) -> JsonResponse:
    """200 when someone could sign in and work: each dependency answers. Else 503, which names those that don't."""
    state = dependencies.state()
    healthy = all(answer == "ok" for answer in state.values())
    return JsonResponse({"status": "ok" if healthy else "error", "dependencies": state}, status=200 if healthy else 503)


class IsStaffOrOnThisHost(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_staff) or is_on_this_host(request._request)


class MetricsView(APIView):
    """Prometheus' metrics, for a Prometheus on this host or with the token of a member of staff."""

    permission_classes = (IsStaffOrOnThisHost,)
    schema = None  # no part of the API

    def get(self, request: Request) -> HttpResponse:
        return ExportToDjangoView(request)
