import logging

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.data_governance.audit import audit
from apps.tenant_manager.mixins import TenantScopedMixin

from .models import Notice, WebhookEndpoint
from .serializers import EndpointSerializer, NewEndpointSerializer, NoticeSerializer
from .tasks import send_notice

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="At most 100 characters. The same key and notice again: nothing is sent, and the answer is as before.",
)

logger = logging.getLogger(__name__)


class NoticeListView(TenantScopedMixin, generics.ListCreateAPIView):
    """The tenant's notices, newest first; POST sends one, by a task."""

    queryset = Notice.objects.all()
    serializer_class = NoticeSerializer

    @extend_schema(parameters=[IDEMPOTENCY_KEY], responses={200: NoticeSerializer, 202: NoticeSerializer})
    def post(self, request: Request) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > 100:
            raise ValidationError({"Idempotency-Key": "It is longer than 100 characters"})
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        if key:
            notice, new = Notice.objects.get_or_create(tenant=self.tenant, idempotency_key=f"api:{key}", defaults=asked)
        else:
            notice, new = Notice.objects.create(tenant=self.tenant, **asked), True
        extra = {"notice_id": notice.pk, "channel": notice.channel}
        if new:
            send_notice.delay(notice.pk)
            logger.info("Notice %s queued", notice.pk, extra=extra)
        elif any(getattr(notice, name) != value for name, value in asked.items()):
            raise ValidationError({"Idempotency-Key": "It was used for another notice"})
        else:
            logger.info("Notice %s asked for again", notice.pk, extra=extra)
        notice.refresh_from_db()
        answer = self.get_serializer(notice).data
        return Response(answer, status=status.HTTP_202_ACCEPTED if new else status.HTTP_200_OK)


class NoticeView(TenantScopedMixin, generics.RetrieveAPIView):
    queryset = Notice.objects.all()
    serializer_class = NoticeSerializer


class EndpointListView(TenantScopedMixin, generics.ListCreateAPIView):
    """The tenant's webhook endpoints, told of each scan of its parcels. The secret is shown at POST alone."""

    queryset = WebhookEndpoint.objects.all()

    def get_serializer_class(self) -> type[BaseSerializer]:
        return NewEndpointSerializer if self.request and self.request.method == "POST" else EndpointSerializer

    def perform_create(self, serializer: BaseSerializer) -> None:
        super().perform_create(serializer)
        endpoint = serializer.instance
        audit("webhook_endpoint.created", endpoint)
        logger.info("Webhook endpoint %s created", endpoint.pk, extra={"endpoint_id": endpoint.pk})


class EndpointView(TenantScopedMixin, generics.RetrieveUpdateDestroyAPIView):
    """PATCH with `active` false, or DELETE, ends the telling; with DELETE its notices go too."""

    queryset = WebhookEndpoint.objects.all()
    serializer_class = EndpointSerializer
    http_method_names = ("get", "patch", "delete", "head", "options")

    def perform_update(self, serializer: BaseSerializer) -> None:
        super().perform_update(serializer)
        audit("webhook_endpoint.changed", serializer.instance, fields=sorted(serializer.validated_data))

    def perform_destroy(self, instance: WebhookEndpoint) -> None:
        audit("webhook_endpoint.deleted", instance)
        super().perform_destroy(instance)
