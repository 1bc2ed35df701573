"""Health, and a fault on demand."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET


@require_GET
def health(request: HttpRequest) -> JsonResponse:
    """200 when this process can use its database, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "error", "database": "unreachable"}, status=503)
    return JsonResponse({"status": "ok"})


@require_GET
def fault(request: HttpRequest) -> HttpResponse:
    """Raises, so that an unhandled exception's way through the logs can be seen. Routed where FAULT_VIEWS is true."""
    raise RuntimeError("A fault was asked for")
