from django.apps import AppConfig


class BrandedConfig(AppConfig):
    name = "apps.branded"
