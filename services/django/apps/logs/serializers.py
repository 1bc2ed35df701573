import base64
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone
from rest_framework import serializers

from . import search

MAX_EVENTS = 100  # a batch
MAX_CONTEXT_BYTES = 4096  # an event
MAX_CONTEXT_DEPTH = 3  # objects and lists in one another; what reads the lines follows no more than five


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


class ClientEventSerializer(serializers.Serializer):
    """One event of a browser's log: all of it is a stranger's word."""

    id = serializers.UUIDField(default=uuid4, help_text="The client's own: an event that comes again is left out")
    level = serializers.ChoiceField(("debug", "info", "warning", "error", "critical"))
    logger = serializers.CharField(max_length=100)
    message = serializers.CharField(max_length=4000)
    timestamp = serializers.DateTimeField(required=False)  # by the browser's clock
    context = serializers.DictField(required=False)
    stack = serializers.CharField(max_length=16_000, required=False, allow_blank=True, allow_null=True)

    def validate_context(self, context: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(context)) > MAX_CONTEXT_BYTES:
            raise serializers.ValidationError(f"Larger than {MAX_CONTEXT_BYTES} bytes")
        if _depth(context) > MAX_CONTEXT_DEPTH:
            raise serializers.ValidationError(f"Nested deeper than {MAX_CONTEXT_DEPTH} levels")
        return context


class ClientBatchSerializer(serializers.Serializer):
    events = ClientEventSerializer(many=True, allow_empty=False, max_length=MAX_EVENTS)


class AcceptedSerializer(serializers.Serializer):
    accepted = serializers.IntegerField()


def _is_long(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


# What a search may cost. Time is what counts most: each day has an index or more of its own.
MAX_PERIOD = timedelta(days=31)
DEFAULT_PERIOD = timedelta(days=1)
MAX_TERMS = 12
MAX_VALUES = 20  # of one filter

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SERVICES = ("django", "celery", "celerybeat", "flower", "nginx", "react")
STREAMS = ("django", "server", "system", "aws", "network", "app", "unknown")
MEMBER_FILTERS = {
    "level": "log_level",
    "service": "service",
    "app_module": "app_module",
    "request_id": "request_id",
    "task_id": "task_id",
    "task_name": "task_name",
    "user_id": "user_id",
}
STAFF_FILTERS = {**MEMBER_FILTERS, "stream": "stream", "tenant": "tenant", "host": "host.name", "error": "error.type"}


class Keywords(serializers.ListField):
    """A parameter that may be given more than once: any of its values."""

    def __init__(self, choices: tuple[str, ...] | None = None, **kwargs: Any) -> None:
        child = serializers.ChoiceField(choices) if choices else serializers.CharField(max_length=200)
        super().__init__(child=child, required=False, max_length=MAX_VALUES, **kwargs)


class Cursor(serializers.CharField):
    """Where a page begins: the sort values of the line before it, for the client one opaque text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, **kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        text = super().to_internal_value(data)
        try:
            at, file, offset, number = values = json.loads(base64.urlsafe_b64decode(text))
        except (ValueError, TypeError, RecursionError):
            at = file = offset = number = values = None
        # No file: a line that came to Logstash by the network.
        if not (isinstance(file, str | None) and all(map(_is_long, (at, offset, number)))):
            raise serializers.ValidationError("It is not the `next` of a page")
        return values


class PeriodSerializer(serializers.Serializer):
    """The parameters of all searches."""

    since = serializers.DateTimeField(required=False, help_text="Default: a day before `until`")
    until = serializers.DateTimeField(required=False, help_text="Default: now")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        # A parameter that isn't known would be a filter that doesn't filter.
        if unknown := set(data) - set(self.fields) - {"format"}:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: f"No such parameter; there are {known}" for name in sorted(unknown)}
            )
        return super().to_internal_value(data)

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        until = asked.setdefault("until", timezone.now())
        try:
            since = asked.setdefault("since", until - DEFAULT_PERIOD)
            period = until - since
        except OverflowError:
            raise serializers.ValidationError({"until": "There is no such day"}) from None
        if period <= timedelta():
            raise serializers.ValidationError({"since": "It is not before `until`"})
        if period > MAX_PERIOD:
            raise serializers.ValidationError(
                {"since": f"A search covers at most {MAX_PERIOD.days} days: ask for a part of them at a time"}
            )
        return asked


class MemberSearchSerializer(PeriodSerializer):
    """A search's parameters, for a tenant's member."""

    q = serializers.CharField(
        required=False,
        max_length=500,
        help_text='Words that a line has, "phrases in quotes", and either with - before it: what a line has not',
    )
    level = Keywords(LEVELS)
    service = Keywords(SERVICES)
    app_module = Keywords()
    logger = serializers.RegexField(
        r"\A[\w.-]+\Z", required=False, max_length=200, help_text="Lines of this logger and of those below it"
    )
    request_id = Keywords()
    task_id = Keywords()
    task_name = Keywords()
    user_id = Keywords()
    order = serializers.ChoiceField(("newest", "oldest"), default="newest")
    size = serializers.IntegerField(default=50, min_value=1, max_value=200)
    after = Cursor(required=False, help_text="`next` of the page before")

    filters = MEMBER_FILTERS

    def validate_q(self, q: str) -> list[search.Term]:
        terms = search.terms(q)
        if len(terms) > MAX_TERMS:
            raise serializers.ValidationError(f"More than {MAX_TERMS} words or phrases: leave the common ones out")
        if any("*" in term.text for term in terms):
            raise serializers.ValidationError(
                "A search with * would have to read every line. Give whole words, or narrow by logger or app_module"
            )
        if not all(any(char.isalnum() for char in term.text) for term in terms):
            raise serializers.ValidationError("Signs alone can't be searched for: give words or numbers")
        return terms

    def search(self, tenant: str | None) -> search.Search:
        """The search that was asked for."""
        asked = self.validated_data
        return search.Search(
            since=asked["since"],
            until=asked["until"],
            tenant=tenant,
            terms=asked.get("q", []),
            filters={field: asked[name] for name, field in self.filters.items() if asked.get(name)},
            logger=asked.get("logger", ""),
            newest_first=asked["order"] == "newest",
            size=asked["size"],
            after=asked.get("after"),
        )


class StaffSearchSerializer(MemberSearchSerializer):
    """For staff, who see all lines."""

    stream = Keywords(STREAMS)
    tenant = Keywords()
    host = Keywords()
    error = Keywords(help_text="An exception's type, e.g. ZeroDivisionError")

    filters = STAFF_FILTERS


def cursor(sort: list[Any]) -> str:
    """What `after` takes, from a hit's sort values."""
    return base64.urlsafe_b64encode(json.dumps(sort).encode()).decode()


class FoundSerializer(serializers.Serializer):
    """A page of lines."""

    complete = serializers.BooleanField(help_text="False: the search was stopped, and there may be more lines")
    detail = serializers.CharField(required=False)
    total = serializers.IntegerField(help_text="Of all pages")
    total_is_exact = serializers.BooleanField(help_text="False: there are more than `total`")
    lines = serializers.ListField(child=serializers.DictField())
    next = serializers.CharField(allow_null=True, help_text="`after` of the next page")
