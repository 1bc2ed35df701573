from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "apps.common"

    def ready(self) -> None:
        from . import slow_queries, task_signals  # noqa: F401 - connect their receivers
