from rest_framework import serializers

from .models import AuditEvent


class AuditEventSerializer(serializers.ModelSerializer):
    user = serializers.CharField(source="user.username", default=None, read_only=True)

    class Meta:
        model = AuditEvent
        fields = ("id", "user", "action", "object_type", "object_id", "details", "request_id", "created_at")


class ErasureSerializer(serializers.Serializer):
    """A recipient who asks to be forgotten."""

    recipient = serializers.CharField(max_length=200, write_only=True)
    parcels = serializers.IntegerField(read_only=True)  # that were anonymised
