from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from .models import Membership, Role, Tenant


class TenantSerializer(serializers.ModelSerializer):
    class Meta:
        model = Tenant
        fields = ("slug", "name")
        read_only_fields = ("slug",)


class NewUserSerializer(serializers.Serializer):
    """What a new account needs."""

    username = serializers.CharField(
        max_length=150,
        validators=[
            get_user_model().username_validator,
            UniqueValidator(get_user_model().objects.all(), message="This name is taken", lookup="iexact"),
        ],
    )
    email = serializers.EmailField()
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            validate_password(attrs["password"], get_user_model()(username=attrs["username"], email=attrs["email"]))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs


class MembershipSerializer(serializers.ModelSerializer):
    username = serializers.CharField(source="user.username", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "username", "email", "role")


class NewMemberSerializer(NewUserSerializer):
    role = serializers.ChoiceField(Role.choices, default=Role.MEMBER)

    @transaction.atomic
    def create(self, validated_data: dict[str, Any]) -> Membership:
        tenant, role = validated_data.pop("tenant"), validated_data.pop("role")
        user = get_user_model().objects.create_user(**validated_data)
        return Membership.objects.create(tenant=tenant, user=user, role=role)

    def to_representation(self, instance: Membership) -> dict[str, Any]:
        return MembershipSerializer(instance).data
