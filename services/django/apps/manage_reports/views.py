import csv
import logging

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.common.jobs import JobState
from apps.data_governance.audit import audit
from apps.tenant_manager.mixins import TenantScopedMixin

from .models import Report
from .serializers import ReportSerializer, ReportTableSerializer
from .tasks import make_report

logger = logging.getLogger(__name__)


class ReportQueryset(TenantScopedMixin):
    queryset = Report.objects.all()
    serializer_class = ReportTableSerializer


class ReportListView(ReportQueryset, generics.ListCreateAPIView):
    """The tenant's reports, newest first; POST asks for one, which a task makes."""

    serializer_class = ReportSerializer

    def get_queryset(self) -> QuerySet[Report]:
        return super().get_queryset().defer("columns", "rows")

    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        report = serializer.save(tenant=self.tenant, requested_by=request.user)
        audit("report.requested", report, kind=report.kind)
        make_report.delay(report.pk)
        logger.info("Report %s queued", report.pk, extra={"report_id": report.pk, "kind": report.kind})
        report.refresh_from_db()
        return Response(self.get_serializer(report).data, status=status.HTTP_202_ACCEPTED)


class ReportView(ReportQueryset, generics.RetrieveAPIView):
    """A report: its state, its progress in percent, and its table once it is done."""


class ReportDownloadView(ReportQueryset, generics.GenericAPIView):
    """The report's table as CSV; 404 until it is done."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, pk: int) -> HttpResponse:
        report = self.get_object()
        if report.state != JobState.DONE:
            raise NotFound("The report is not done")
        name = f"{report.kind}-{report.first_day}-{report.last_day}.csv"
        response = HttpResponse(
            content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )
        csv.writer(response).writerows([report.columns, *report.rows])
        logger.info("Report %s downloaded", report.pk, extra={"report_id": report.pk})
        return response
