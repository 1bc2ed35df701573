from rest_framework import authentication
from rest_framework.request import Request

from config.logging import context


class TokenAuthentication(authentication.TokenAuthentication):
    """DRF's, which also binds the user to the log context: views authenticate, after every middleware."""

    def authenticate(self, request: Request) -> tuple | None:
        authenticated = super().authenticate(request)
        if authenticated:
            user, _ = authenticated
            context.bind(user_id=user.pk)
        return authenticated
