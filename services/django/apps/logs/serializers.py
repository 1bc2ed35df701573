import json
from typing import Any

from rest_framework import serializers

MAX_EVENTS = 100  # a batch
MAX_CONTEXT_BYTES = 4096  # an event
MAX_CONTEXT_DEPTH = 3  # objects and lists in one another; what reads the lines follows no more than five


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


class ClientEventSerializer(serializers.Serializer):
    """One event of a browser's log: all of it is a stranger's word."""

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
