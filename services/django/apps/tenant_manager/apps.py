from django.apps import AppConfig


class TenantManagerConfig(AppConfig):
    name = "apps.tenant_manager"
