import logging

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.data_governance.audit import audit
from apps.tenant_manager.models import Membership, Role, Tenant
from config.logging import context

from .serializers import SignedUpSerializer, SignUpSerializer
from .tasks import welcome

logger = logging.getLogger(__name__)


class SignUpView(APIView):
    """Makes a tenant and its owner, who is signed in at once by the token in the answer."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "sign-up"

    @extend_schema(request=SignUpSerializer, responses={201: SignedUpSerializer})
    def post(self, request: Request) -> Response:
        serializer = SignUpSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            tenant, token = self.sign_up(**serializer.validated_data)
        except IntegrityError as error:  # another sign-up took one of the names meanwhile
            raise ValidationError("The user name or the slug is taken") from error
        logger.info("Tenant %s signed up", tenant, extra={"tenant_id": tenant.pk})
        answer = SignedUpSerializer({"tenant": tenant, "token": token.key})
        return Response(answer.data, status=status.HTTP_201_CREATED)

    @transaction.atomic
    def sign_up(self, company: str, slug: str, username: str, email: str, password: str) -> tuple[Tenant, Token]:
        tenant = Tenant.objects.create(slug=slug, name=company)
        user = get_user_model().objects.create_user(username, email, password)
        context.bind(user_id=user.pk, tenant=tenant.slug)
        Membership.objects.create(tenant=tenant, user=user, role=Role.OWNER)
        audit("tenant.signed_up", tenant)
        welcome.delay_on_commit(tenant.pk)
        return tenant, Token.objects.create(user=user)
