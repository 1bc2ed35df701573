from django.http import QueryDict
from rest_framework import serializers

from .filters import ParcelFilter, filter_names
from .models import Parcel, ParcelExport, Scan


class ParcelSerializer(serializers.ModelSerializer):
    class Meta:
        model = Parcel
        fields = (
            "reference",
            "recipient",
            "destination",
            "carrier",
            "weight_grams",
            "status",
            "label_key",
            "carrier_reference",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("status",)


class ScanSerializer(serializers.ModelSerializer):
    class Meta:
        model = Scan
        fields = ("location", "status", "scanned_at")
        read_only_fields = ("scanned_at",)


class TrackSerializer(serializers.ModelSerializer):
    scans = ScanSerializer(many=True)

    class Meta:
        model = Parcel
        fields = ("reference", "status", "scans")


class QueuedSerializer(serializers.Serializer):
    """What is answered when a task was queued."""

    reference = serializers.CharField()
    task_id = serializers.CharField()


class ExportSerializer(serializers.ModelSerializer):
    class Meta:
        model = ParcelExport
        fields = ("id", "query", "state", "progress", "rows", "error", "created_at", "finished_at")
        read_only_fields = ("rows",)
        extra_kwargs = {"query": {"help_text": "The list's query string, e.g. status=delivered&search=leeds"}}  # noqa: RUF012

    def validate_query(self, query: str) -> str:
        given = QueryDict(query)
        if unknown := given.keys() - filter_names():
            raise serializers.ValidationError(f"Unknown: {', '.join(sorted(unknown))}")
        form = ParcelFilter(given, queryset=Parcel.objects.none())
        if not form.is_valid():
            raise serializers.ValidationError(
                [f"{name}: {error}" for name, errors in form.errors.items() for error in errors]
            )
        return query
