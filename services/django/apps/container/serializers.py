from rest_framework import serializers

from .models import Consignment

MAX_PARCELS = 200  # put in by one request


class ConsignmentSerializer(serializers.ModelSerializer):
    parcel_count = serializers.IntegerField(read_only=True, default=0)

    class Meta:
        model = Consignment
        fields = (
            "reference",
            "origin",
            "destination",
            "state",
            "parcel_count",
            "created_at",
            "departed_at",
            "arrived_at",
        )


class ReferencesSerializer(serializers.Serializer):
    references = serializers.ListField(
        child=serializers.CharField(max_length=20), allow_empty=False, max_length=MAX_PARCELS
    )
