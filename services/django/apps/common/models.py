"""Base classes of the apps' models."""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from apps.tenant_manager.models import Tenant


class TenantQuerySet(models.QuerySet):
    def for_tenant(self, tenant: "Tenant") -> Self:
        """What belongs to `tenant`. Every view and every task that serves a tenant begins with it."""
        return self.filter(tenant=tenant)


class TenantModel(models.Model):
    """Belongs to one tenant: ``Parcel.objects.for_tenant(tenant)``, ``tenant.parcels``."""

    tenant = models.ForeignKey("tenant_manager.Tenant", on_delete=models.CASCADE, related_name="%(class)ss")

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True
