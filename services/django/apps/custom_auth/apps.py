from django.apps import AppConfig


class CustomAuthConfig(AppConfig):
    name = "apps.custom_auth"
