"""How views become operations of the OpenAPI document."""

from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.utils import OpenApiParameter

from apps.tenant_manager.mixins import TenantMixin

TENANT_HEADER = OpenApiParameter(
    "X-Tenant",
    str,
    OpenApiParameter.HEADER,
    description="Slug of the tenant that the request speaks for; may be left out where the host's subdomain names it.",
)


class AutoSchema(SpectacularAutoSchema):
    """drf-spectacular's, which also knows the header of views that serve a tenant, and tags by app."""

    def get_override_parameters(self) -> list[OpenApiParameter]:
        return [TENANT_HEADER] if isinstance(self.view, TenantMixin) else []

    def get_tags(self) -> list[str]:
        module = type(self.view).__module__.split(".")
        return [module[1]] if module[0] == "apps" else super().get_tags()
