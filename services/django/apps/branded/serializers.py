from rest_framework import serializers

from apps.parcels.models import Parcel, Scan

from .models import Brand


class BrandSerializer(serializers.ModelSerializer):
    class Meta:
        model = Brand
        fields = ("colour", "greeting", "support_email")


class PublicScanSerializer(serializers.ModelSerializer):
    class Meta:
        model = Scan
        fields = ("location", "status", "scanned_at")


class PublicParcelSerializer(serializers.ModelSerializer):
    """What anyone who knows a reference may see: neither who gets the parcel nor where."""

    scans = PublicScanSerializer(many=True)

    class Meta:
        model = Parcel
        fields = ("reference", "status", "carrier", "scans")


class TrackingSerializer(serializers.Serializer):
    tenant = serializers.CharField(source="tenant.name")
    brand = BrandSerializer()
    parcel = PublicParcelSerializer()
