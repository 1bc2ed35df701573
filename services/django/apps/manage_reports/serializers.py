from datetime import date, timedelta
from typing import Any

from rest_framework import serializers

from .models import Report

MAX_DAYS = 366


class ReportSerializer(serializers.ModelSerializer):
    class Meta:
        model = Report
        fields = ("id", "kind", "first_day", "last_day", "state", "progress", "error", "created_at", "finished_at")

    def validate(self, report: dict[str, Any]) -> dict[str, Any]:
        first, last = report["first_day"], report["last_day"]
        if last < first:
            raise serializers.ValidationError({"last_day": "It is before the first day"})
        if last - first >= timedelta(days=MAX_DAYS):
            raise serializers.ValidationError({"last_day": f"A report covers at most {MAX_DAYS} days"})
        if last >= date.max:
            raise serializers.ValidationError({"last_day": "No calendar has the day after it"})
        return report


class ReportTableSerializer(ReportSerializer):
    """With the table; it is empty until the report is done."""

    class Meta(ReportSerializer.Meta):
        fields = (*ReportSerializer.Meta.fields, "columns", "rows")
        read_only_fields = ("columns", "rows")
