from django.apps import AppConfig


class NotificationConfig(AppConfig):
    name = "apps.notification"

    def ready(self) -> None:
        from . import receivers  # noqa: F401 - connects them
