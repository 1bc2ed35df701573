from rest_framework import serializers

from .models import Parcel, Scan


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
            "created_at",
            "updated_at",
        )
        read_only_fields = ("status",)


class ScanSerializer(serializers.ModelSerializer):
    class Meta:
        model = Scan
        fields = ("location", "status", "scanned_at")
        read_only_fields = ("scanned_at",)
