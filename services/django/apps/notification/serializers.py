from typing import Any

from django.conf import settings
from rest_framework import serializers

from .models import Channel, Notice, WebhookEndpoint

NO_CONTROL_CHARACTERS = r"\A[^\x00-\x1f\x7f]+\Z"


class EndpointsOfTenant(serializers.PrimaryKeyRelatedField):
    def get_queryset(self) -> Any:
        tenant = getattr(self.context.get("view"), "tenant", None)
        return WebhookEndpoint.objects.for_tenant(tenant).filter(active=True)


class NoticeSerializer(serializers.ModelSerializer):
    # It becomes a header.
    subject = serializers.RegexField(NO_CONTROL_CHARACTERS, max_length=200)
    endpoint = EndpointsOfTenant(required=False, allow_null=True)

    class Meta:
        model = Notice
        fields = (
            "id",
            "channel",
            "recipient",
            "endpoint",
            "subject",
            "body",
            "state",
            "attempts",
            "error",
            "created_at",
            "sent_at",
        )
        read_only_fields = ("attempts",)

    def validate(self, notice: dict[str, Any]) -> dict[str, Any]:
        by_email = notice.get("channel", Channel.EMAIL) == Channel.EMAIL
        needed, other = ("recipient", "endpoint") if by_email else ("endpoint", "recipient")
        if not notice.get(needed):
            raise serializers.ValidationError({needed: "This channel needs it"})
        if notice.get(other):
            raise serializers.ValidationError({other: "It is the other channel's"})
        return notice


class EndpointSerializer(serializers.ModelSerializer):
    class Meta:
        model = WebhookEndpoint
        fields = ("id", "url", "active", "created_at")

    def validate_url(self, url: str) -> str:
        if not url.startswith("https://") and not (settings.NOTICE_PRIVATE_ADDRESSES and url.startswith("http://")):
            raise serializers.ValidationError("It must begin with https://")
        return url


class NewEndpointSerializer(EndpointSerializer):
    """With the secret: it is shown this once."""

    class Meta(EndpointSerializer.Meta):
        fields = (*EndpointSerializer.Meta.fields, "secret")
        read_only_fields = ("secret",)
