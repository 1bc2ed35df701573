from django.contrib.auth import authenticate, logout
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .serializers import SignInSerializer, TokenSerializer, UserSerializer


class SignInView(APIView):
    """Gives the user's token for a user name and a password; 401 when they don't fit."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "sign-in"

    def get_authenticate_header(self, request: Request) -> str:
        # Without one, and no authentication class brings one here, DRF turns 401 into 403.
        return "Token"

    @extend_schema(request=SignInSerializer, responses=TokenSerializer)
    def post(self, request: Request) -> Response:
        credentials = SignInSerializer(data=request.data)
        credentials.is_valid(raise_exception=True)
        # Who fails is logged by the receivers in signals.py, as who succeeds is.
        user = authenticate(request._request, **credentials.validated_data)
        if user is None:
            raise AuthenticationFailed("Wrong user name or password")
        token, _ = Token.objects.get_or_create(user=user)
        user_logged_in.send(sender=type(user), request=request._request, user=user)
        return Response({"token": token.key})


class SignOutView(APIView):
    """Ends the user's token, whose next sign-in makes another, or the session that the request came with."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        if isinstance(request.auth, Token):
            request.auth.delete()
            user_logged_out.send(sender=type(request.user), request=request._request, user=request.user)
        else:
            logout(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(generics.RetrieveAPIView):
    """Who the request's user is."""

    serializer_class = UserSerializer

    def get_object(self) -> AbstractBaseUser:
        return self.request.user
