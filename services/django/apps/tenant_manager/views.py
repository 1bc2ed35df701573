import logging
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.data_governance.audit import audit

from .mixins import TenantMixin
from .models import Membership, Role, Tenant
from .serializers import MembershipSerializer, NewMemberSerializer, TenantSerializer

logger = logging.getLogger(__name__)


class TenantListView(generics.ListAPIView):
    """The user's tenants."""

    serializer_class = TenantSerializer
    queryset = Tenant.objects.all()

    def get_queryset(self) -> QuerySet[Tenant]:
        return super().get_queryset().filter(memberships__user=self.request.user)


class CurrentTenantView(TenantMixin, generics.RetrieveUpdateAPIView):
    """The tenant that the request speaks for. Its owners may rename it."""

    serializer_class = TenantSerializer
    http_method_names = ("get", "patch", "head", "options")
    owner_methods = ("PATCH",)

    def get_object(self) -> Tenant:
        logger.info("Tenant %s read", self.tenant)
        return self.tenant

    def perform_update(self, serializer: BaseSerializer) -> None:
        audit("tenant.renamed", serializer.save())


class MemberQueryset(TenantMixin):
    serializer_class = MembershipSerializer
    queryset = Membership.objects.select_related("user")

    def get_queryset(self) -> QuerySet[Membership]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return super().get_queryset().filter(tenant=self.tenant)


class MemberListView(MemberQueryset, generics.ListCreateAPIView):
    """The tenant's members. Its owners may make accounts for others."""

    owner_methods = ("POST",)

    def get_serializer_class(self) -> type[BaseSerializer]:
        return NewMemberSerializer if self.request.method == "POST" else MembershipSerializer

    @extend_schema(responses={201: MembershipSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().post(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer) -> None:
        membership = serializer.save(tenant=self.tenant)
        audit("member.added", membership, role=membership.role, member_id=membership.user_id)


class MemberView(MemberQueryset, generics.DestroyAPIView):
    """Ends a membership; the tenant's last owner stays."""

    owner_methods = ("DELETE",)

    @transaction.atomic
    def perform_destroy(self, membership: Membership) -> None:
        # Locked, so that two owners can't remove each other at once.
        Tenant.objects.select_for_update().get(pk=self.tenant.pk)
        others = self.get_queryset().filter(role=Role.OWNER).exclude(pk=membership.pk)
        if membership.role == Role.OWNER and not others.exists():
            raise ValidationError("The tenant's last owner must stay")
        audit("member.removed", membership, member_id=membership.user_id)
        membership.delete()
