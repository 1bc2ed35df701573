import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.data_governance.audit import audit
from apps.logs import store
from apps.logs.serializers import cursor

from . import export, fields, files, query, searches
from .serializers import (
    AboutSerializer,
    ContextSerializer,
    CountSerializer,
    ExportSerializer,
    HealthSerializer,
    LineSerializer,
    OverviewSerializer,
    PageFoundSerializer,
    PageSerializer,
    Position,
    SurroundingSerializer,
    TailFoundSerializer,
    TailSerializer,
    ValuesSerializer,
    ViewSerializer,
)

DOWN = {503: OpenApiResponse(description="The log store gave no answer")}

logger = logging.getLogger(__name__)


class ExplorerView(APIView):
    """For staff, who speak for no tenant."""

    permission_classes = (IsAdminUser,)
    throttle_scope = "log-explorer"

    def asked(self, serializer: type[serializers.Serializer]) -> Any:
        """The parameters, checked."""
        asked = serializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return asked

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        """Elasticsearch's answer; what is wrong with the query is told to who wrote it."""
        [answer] = self.searches(body)
        return answer

    def searches(self, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            answers = [store.ask("_search", *bodies)] if len(bodies) == 1 else store.ask_at_once(*bodies)
        except store.Refused as error:
            raise ValidationError({"q": query.explain(error.reason)}) from error
        # An index that is still starting has no lines to give: that there are none would not be true.
        if any(answer["_shards"]["failed"] and not answer["timed_out"] for answer in answers):
            raise store.Unavailable(store.TROUBLE)
        return answers


class AboutView(ExplorerView):
    """What there is to look at."""

    @extend_schema(responses={200: AboutSerializer, **DOWN})
    def get(self, request: Request) -> Response:
        found = {
            "group": settings.LOG_GROUP,
            "kibana_url": settings.KIBANA_PUBLIC_URL or None,
            "fields": [{"name": name, "kind": kind} for name, kind in fields.kinds().items()],
            "max_export": export.MAX_LINES,
        }
        return Response(found)


class LinesView(ExplorerView):
    """The lines of a view, page by page."""

    @extend_schema(
        operation_id="logs_explorer_lines_list",
        parameters=[PageSerializer],
        responses={200: PageFoundSerializer, **DOWN},
    )
    def get(self, request: Request) -> Response:
        asked = self.asked(PageSerializer)
        given = asked.validated_data
        body = asked.view().page(size=given["size"], newest_first=given["order"] == "newest", after=given.get("after"))
        answer = self.search(body)
        hits, total = answer["hits"]["hits"], answer["hits"]["total"]
        if "after" not in given:
            logger.info("Logs explored", extra={"hits": total["value"], "took_ms": answer["took"]})
            audit("logs.explored", parameters=sorted(request.query_params))
        found = {
            "complete": not store.stopped(answer),
            "total": total["value"],
            "total_is_exact": total["relation"] == "eq",
            "lines": [searches.line(hit) for hit in hits],
            "next": cursor(hits[-1]["sort"]) if len(hits) == given["size"] else None,
        }
        return Response(found)


class LineView(ExplorerView):
    """One line with all that is known of it."""

    @extend_schema(responses={200: LineSerializer, **DOWN})
    def get(self, request: Request, line_id: str) -> Response:
        return Response(searches.line(self.hit(line_id)))

    def hit(self, line_id: str) -> dict[str, Any]:
        hits = self.search(searches.one(line_id))["hits"]["hits"]
        if not hits:
            raise NotFound("There is no such line, or it has been deleted by its age")
        return hits[0]


class SurroundingView(LineView):
    """A line and those that stand around it in the same file."""

    @extend_schema(parameters=[ContextSerializer], responses={200: SurroundingSerializer, **DOWN})
    def get(self, request: Request, line_id: str) -> Response:
        size = self.asked(ContextSerializer).validated_data["size"]
        hit = self.hit(line_id)
        if "offset" not in hit["_source"].get("log", {}):  # it came by the network
            return Response({"before": [], "line": searches.line(hit), "after": []})
        before, after = (
            self.search(searches.neighbours(hit["_source"], later=later, size=size))["hits"]["hits"]
            for later in (False, True)
        )
        found = {
            "before": [searches.line(hit) for hit in reversed(before)],
            "line": searches.line(hit),
            "after": [searches.line(hit) for hit in after],
        }
        return Response(found)


class OverviewView(ExplorerView):
    """How many lines of a view there are: by time and level, and of each facet's values."""

    @extend_schema(parameters=[ViewSerializer], responses={200: OverviewSerializer, **DOWN})
    def get(self, request: Request) -> Response:
        view = self.asked(ViewSerializer).view()
        answers = self.searches(*view.overview())
        by_time, by_level, *by_value = answers
        bars = searches.bars(by_time, by_level)
        found = {
            "complete": not any(map(store.stopped, answers)),
            "took_ms": max(answer["took"] for answer in answers),
            "total": sum(bar["total"] for bar in bars),
            "interval_seconds": view.interval(),
            "bars": bars,
            "facets": {
                name: searches.counts(searches.buckets(answer, name))
                for answer in by_value
                for name in answer.get("aggregations", ())
            },
        }
        return Response(found)


class ValuesView(ExplorerView):
    """Values that a field has in a view, the commonest first, for completion."""

    @extend_schema(parameters=[ValuesSerializer], responses={200: CountSerializer(many=True), **DOWN})
    def get(self, request: Request) -> Response:
        asked = self.asked(ValuesSerializer)
        answer = self.search(asked.view().values(asked.validated_data["field"], asked.validated_data["prefix"]))
        return Response(searches.counts(searches.buckets(answer, "values")))


class TailView(ExplorerView):
    """The lines that have been stored since the answer before. Asked four times a second, it leaves no line itself."""

    @extend_schema(parameters=[TailSerializer], responses={200: TailFoundSerializer, **DOWN})
    def get(self, request: Request) -> Response:
        asked = self.asked(TailSerializer)
        now = timezone.now()
        position = asked.validated_data.get("after")
        if position is None:
            position, hits = searches.tail_position(self.search(searches.tail_begin(now))), []
        else:
            hits = self.search(searches.tail(asked.view(now), position))["hits"]["hits"]
        found = {
            "lines": [searches.line(hit) for hit in hits],
            "next": Position.text(searches.tail_advance(position, hits)),
            "more": len(hits) == searches.TAIL_LINES,
        }
        return Response(found)


class ExportView(ExplorerView):
    """All lines of a view, oldest first, as a file. The header X-Lines says how many they are."""

    @extend_schema(
        parameters=[ExportSerializer],
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, "application/x-ndjson"): OpenApiTypes.STR, **DOWN},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        asked = self.asked(ExportSerializer)
        view, kind = asked.view(), asked.validated_data["kind"]
        total = self.search(view.page(size=0, newest_first=False, total=True))["hits"]["total"]["value"]
        if total > export.MAX_LINES:
            raise ValidationError(
                {"since": f"It is {total:,} lines, and an export holds {export.MAX_LINES:,}: narrow the view"}
            )
        audit("logs.exported", lines=total, kind=kind)
        headers = {
            "Content-Disposition": f'attachment; filename="logs-{view.until:%Y%m%dT%H%M%SZ}.{kind}"',
            "X-Lines": str(total),
            "X-Accel-Buffering": "no",  # nginx: as it comes
        }
        content_type = "text/csv; charset=utf-8" if kind == "csv" else "application/x-ndjson"
        return StreamingHttpResponse(export.lines(view, kind), content_type=content_type, headers=headers)


class HealthView(ExplorerView):
    """Whether lines arrive: each stream's rate and newest line, what did not parse, what waits in the files."""

    @extend_schema(responses={200: HealthSerializer, **DOWN})
    def get(self, request: Request) -> Response:
        now, started = timezone.now(), time.perf_counter()
        answer = self.search(searches.health(now, settings.LOG_SERVICES))
        took = round((time.perf_counter() - started) * 1000)
        found = {bucket["key"]: bucket for bucket in searches.buckets(answer, "services")}
        none: dict[str, Any] = {"newest": {"value": None}, "minute": {"doc_count": 0}, "failures": {"buckets": []}}
        streams = [
            {
                "service": service,
                "newest": _time(of["newest"]["value"]),
                "last_minute": of["minute"]["doc_count"],
                "last_day": of.get("doc_count", 0),
                "failures": searches.counts(of["failures"]["buckets"]),
            }
            for service in settings.LOG_SERVICES
            for of in [found.get(service, none)]
        ]
        return Response({"at": now, "search_ms": took, "streams": streams, "files": self.files()})

    def files(self) -> list[dict[str, Any]] | None:
        root = settings.LOGGING_OPTIONS["log_file_path"]
        if not root:
            return None
        there = files.log_files(Path(root), settings.LOG_SERVICES)
        answer = self.search(searches.shipped([file.fingerprint for file in there]))
        shipped = {bucket["key"]: bucket for bucket in searches.buckets(answer, "files")}
        found = []
        for file in there:
            of = shipped.get(file.fingerprint)
            found.append(
                {
                    "path": str(file.path.relative_to(root)),
                    "size": file.size,
                    "written_at": file.written_at,
                    "newest": _time(of["newest"]["value"]) if of else None,
                    "waiting": file.waiting(int(of["offset"]["value"]) if of else None),
                }
            )
        return found


def _time(milliseconds: float | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
