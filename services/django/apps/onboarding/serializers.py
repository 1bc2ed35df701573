from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from apps.tenant_manager.models import Tenant, slug_validator
from apps.tenant_manager.serializers import NewUserSerializer, TenantSerializer

# Names that a subdomain may need for something else.
RESERVED = frozenset({"admin", "api", "flower", "metrics", "static", "status", "track", "www"})


class SignUpSerializer(NewUserSerializer):
    """A company and its first user."""

    company = serializers.CharField(max_length=200)
    slug = serializers.CharField(
        max_length=50,
        validators=[slug_validator, UniqueValidator(Tenant.objects.all(), message="This slug is taken")],
    )

    def validate_slug(self, slug: str) -> str:
        if slug in RESERVED:
            raise serializers.ValidationError("This slug is reserved")
        return slug


class SignedUpSerializer(serializers.Serializer):
    tenant = TenantSerializer()
    token = serializers.CharField()
