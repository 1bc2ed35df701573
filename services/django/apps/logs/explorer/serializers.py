import base64
import json
from datetime import datetime
from typing import Any

from rest_framework import serializers

from apps.logs.serializers import Cursor, Keywords, PeriodSerializer

from . import fields, query, searches

MAX_PAGE = 1000
MAX_CONTEXT = 100
EXPORT_FORMATS = ("csv", "ndjson")


class ViewSerializer(PeriodSerializer):
    """What is looked at."""

    q = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=query.MAX_LENGTH,
        help_text='Lucene\'s language: service:django AND log_level:(ERROR OR CRITICAL) AND "no answer"',
    )
    leading_wildcard = serializers.BooleanField(default=False, help_text="Let a word of `q` begin with * or ?")
    service = Keywords()
    stream = Keywords()
    app_module = Keywords()
    log_level = Keywords()
    logger_name = Keywords()

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        asked = super().validate(asked)
        if asked["q"]:
            try:
                query.check(asked["q"], fields.names(), asked["leading_wildcard"])
            except query.Invalid as error:
                raise serializers.ValidationError({"q": str(error)}) from error
        return asked

    def view(self) -> searches.View:
        asked = self.validated_data
        return searches.View(
            since=asked["since"],
            until=asked["until"],
            q=asked["q"],
            leading_wildcard=asked["leading_wildcard"],
            facets={name: asked[name] for name in searches.FACETS if asked.get(name)},
        )


class PageSerializer(ViewSerializer):
    order = serializers.ChoiceField(("newest", "oldest"), default="newest")
    size = serializers.IntegerField(default=200, min_value=1, max_value=MAX_PAGE)
    after = Cursor(required=False, help_text="`next` of the page before")


class ValuesSerializer(ViewSerializer):
    field = serializers.CharField(max_length=200)
    prefix = serializers.CharField(required=False, allow_blank=True, default="", max_length=200, trim_whitespace=False)

    def validate_field(self, name: str) -> str:
        if fields.kinds().get(name) not in fields.COMPLETED and name.partition(".")[0] != "context":
            raise serializers.ValidationError("No field whose values can be listed")
        return name


class Position(serializers.CharField):
    """Where a tail stands: ``{index: number}``, for the client one opaque text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=8000, **kwargs)

    def to_internal_value(self, data: Any) -> dict[str, int]:
        text = super().to_internal_value(data)
        try:
            position = json.loads(base64.urlsafe_b64decode(text))
            if all(type(number) is int and 0 <= number < 2**63 for number in position.values()):
                return position
        except (ValueError, AttributeError, RecursionError):
            pass
        raise serializers.ValidationError("It is not the `next` of a tail")

    @staticmethod
    def text(position: dict[str, int]) -> str:
        return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode()


class TailSerializer(ViewSerializer):
    after = Position(required=False, help_text="`next` of the answer before; left out: from now on")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if given := sorted({"since", "until"} & set(data)):
            raise serializers.ValidationError({name: "A tail has no period: it is now" for name in given})
        return super().to_internal_value(data)

    def view(self, now: datetime) -> searches.View:  # type: ignore[override]
        self.validated_data.update(since=now - searches.TAIL_PERIOD, until=now + searches.TAIL_PERIOD)
        return super().view()


class ContextSerializer(serializers.Serializer):
    size = serializers.IntegerField(default=20, min_value=1, max_value=MAX_CONTEXT)


class ExportSerializer(ViewSerializer):
    kind = serializers.ChoiceField(EXPORT_FORMATS, default="csv")


# Answers


class LineSerializer(serializers.Serializer):
    id = serializers.CharField()
    fields = serializers.DictField()


class PageFoundSerializer(serializers.Serializer):
    """A page of lines."""

    complete = serializers.BooleanField(help_text="False: the search was stopped, and there may be more lines")
    total = serializers.IntegerField()
    total_is_exact = serializers.BooleanField(help_text="False: there are more than `total`")
    lines = LineSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="`after` of the next page")


class CountSerializer(serializers.Serializer):
    value = serializers.CharField()
    count = serializers.IntegerField()


class BarSerializer(serializers.Serializer):
    at = serializers.IntegerField(help_text="Its begin, in milliseconds since 1970")
    total = serializers.IntegerField()
    levels = serializers.DictField(child=serializers.IntegerField(), help_text="Lines without a level count as INFO")


class OverviewSerializer(serializers.Serializer):
    complete = serializers.BooleanField()
    took_ms = serializers.IntegerField()
    total = serializers.IntegerField()
    interval_seconds = serializers.IntegerField(help_text="Of a bar")
    bars = BarSerializer(many=True, help_text="Of the periods in which there are lines")
    facets = serializers.DictField(child=CountSerializer(many=True))


class TailFoundSerializer(serializers.Serializer):
    lines = LineSerializer(many=True)
    next = serializers.CharField(help_text="`after` of the next answer")
    more = serializers.BooleanField(help_text="True: there are more already")


class SurroundingSerializer(serializers.Serializer):
    before = LineSerializer(many=True, help_text="Of the same file, oldest first")
    line = LineSerializer()
    after = LineSerializer(many=True)


class FieldSerializer(serializers.Serializer):
    name = serializers.CharField()
    kind = serializers.CharField(help_text="Elasticsearch's type: keyword, text, date, float, …")


class AboutSerializer(serializers.Serializer):
    group = serializers.CharField()
    kibana_url = serializers.CharField(allow_null=True)
    fields = FieldSerializer(many=True)
    max_export = serializers.IntegerField(help_text="Lines of an export")


class StreamHealthSerializer(serializers.Serializer):
    service = serializers.CharField()
    newest = serializers.DateTimeField(allow_null=True, help_text="Time of the newest line; null: none within a day")
    last_minute = serializers.IntegerField(help_text="Lines")
    last_day = serializers.IntegerField(help_text="Lines")
    failures = CountSerializer(many=True, help_text="Lines within a day that did not parse, by tag")


class FileHealthSerializer(serializers.Serializer):
    path = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes")
    written_at = serializers.DateTimeField()
    newest = serializers.DateTimeField(allow_null=True, help_text="Time of its newest line in Elasticsearch")
    waiting = serializers.IntegerField(help_text="Bytes that are not in Elasticsearch yet")


class HealthSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    search_ms = serializers.IntegerField(help_text="From here to Elasticsearch and back")
    streams = StreamHealthSerializer(many=True)
    files = FileHealthSerializer(many=True, allow_null=True, help_text="Null: this process does not see the log files")
