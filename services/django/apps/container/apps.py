from django.apps import AppConfig


class ContainerConfig(AppConfig):
    name = "apps.container"
