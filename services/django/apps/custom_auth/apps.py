from django.apps import AppConfig


class CustomAuthConfig(AppConfig):
    name = "apps.custom_auth"

    def ready(self) -> None:
        from . import signals  # noqa: F401 - connects its receivers
