from rest_framework import serializers

from apps.parcels.models import Status


class CarrierEventSerializer(serializers.Serializer):
    """What a carrier reports of a parcel."""

    reference = serializers.CharField(max_length=20)
    location = serializers.CharField(max_length=200)
    status = serializers.ChoiceField(Status.choices)


class CarrierEventTakenSerializer(serializers.Serializer):
    reference = serializers.CharField()
    status = serializers.ChoiceField(Status.choices)
    duplicate = serializers.BooleanField(help_text="True: this delivery took effect before, and not again")
