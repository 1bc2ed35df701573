from rest_framework import serializers


class CarrierFiguresSerializer(serializers.Serializer):
    carrier = serializers.CharField()
    parcels = serializers.IntegerField()
    delivered = serializers.IntegerField()
    exceptions = serializers.IntegerField()


class FiguresSerializer(serializers.Serializer):
    parcels = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_carrier = CarrierFiguresSerializer(many=True, help_text="The ten with most parcels")
    stale = serializers.IntegerField(help_text="On their way, and not seen for a week")
    hours_to_delivery = serializers.FloatField(
        allow_null=True, help_text="Mean, of the parcels delivered in these days"
    )
    created_by_day = serializers.DictField(child=serializers.IntegerField())
    delivered_by_day = serializers.DictField(child=serializers.IntegerField())
