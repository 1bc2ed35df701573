import logging

from django.contrib.auth import authenticate, get_user_model
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET
from rest_framework import status
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .serializers import SignInSerializer

logger = logging.getLogger(__name__)


class SignInView(APIView):
    """Gives the user's token for a user name and a password; 401 when they don't fit."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "sign-in"

    def get_authenticate_header(self, request: Request) -> str:
        # Without one, and no authentication class brings one here, DRF turns 401 into 403.
        return "Token"

    def post(self, request: Request) -> Response:
        credentials = SignInSerializer(data=request.data)
        credentials.is_valid(raise_exception=True)
        user = authenticate(request, **credentials.validated_data)
        if user is None:
            # Not the user name: people type their password there.
            logger.warning("Sign-in refused")
            raise AuthenticationFailed("Wrong user name or password")
        token, _ = Token.objects.get_or_create(user=user)
        logger.info("Signed in", extra={"user_id": user.pk})
        return Response({"token": token.key})


class SignOutView(APIView):
    """Ends the user's token: the next sign-in makes another."""

    def post(self, request: Request) -> Response:
        request.auth.delete()
        logger.info("Signed out")
        return Response(status=status.HTTP_204_NO_CONTENT)


@require_GET
def auth_health(request: HttpRequest) -> JsonResponse:
    """200 when users and tokens can be read, else 503."""
    try:
        get_user_model().objects.exists()
        Token.objects.exists()
    except DatabaseError:
        return JsonResponse({"status": "error", "auth": "unreachable"}, status=503)
    return JsonResponse({"status": "ok"})
