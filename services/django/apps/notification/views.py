import logging

from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.tenant_manager.views import TenantMixin

from .models import Notice
from .tasks import send_notice

logger = logging.getLogger(__name__)


class NoticeSerializer(serializers.ModelSerializer):
    class Meta:
        model = Notice
        fields = ("id", "recipient", "subject", "body", "created_at", "sent_at")


class NoticeCreateView(TenantMixin, generics.GenericAPIView):
    serializer_class = NoticeSerializer

    def post(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        notice = serializer.save(tenant=self.tenant)
        send_notice.delay(notice.pk)
        logger.info("Notice %s queued", notice.pk, extra={"notice_id": notice.pk})
        return Response(serializer.data, status=status.HTTP_202_ACCEPTED)
