import logging

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.data_governance.audit import audit
from apps.parcels.models import FINAL, Parcel
from apps.parcels.serializers import ParcelSerializer
from apps.tenant_manager.mixins import TenantScopedMixin

from .models import Consignment, State
from .serializers import ConsignmentSerializer, ReferencesSerializer
from .tasks import scan_parcels

logger = logging.getLogger(__name__)


class WrongState(APIException):
    """The consignment is not, or no longer, in the state that this needs."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "wrong_state"


class ConsignmentQueryset(TenantScopedMixin):
    serializer_class = ConsignmentSerializer
    queryset = Consignment.objects.annotate(parcel_count=Count("parcels")).order_by("-created_at", "-pk")
    lookup_field = "reference"

    def lock(self, needed: State) -> Consignment:
        """The consignment, locked until the transaction ends. Raises WrongState unless it is in the state `needed`."""
        pk = self.get_object().pk
        consignment = Consignment.objects.select_for_update().get(pk=pk)  # PostgreSQL locks no groups
        if consignment.state != needed:
            raise WrongState(f"The consignment is {consignment.state}, not {needed}")
        return consignment


class ConsignmentListView(ConsignmentQueryset, generics.ListCreateAPIView):
    def perform_create(self, serializer: BaseSerializer) -> None:
        super().perform_create(serializer)
        consignment = serializer.instance
        logger.info("Consignment %s opened", consignment, extra={"consignment_id": consignment.pk})


class ConsignmentView(ConsignmentQueryset, generics.RetrieveAPIView):
    pass


class ConsignmentParcelsView(ConsignmentQueryset, generics.ListAPIView):
    """The consignment's parcels. POST puts parcels in, by their references: all of them or none."""

    serializer_class = ParcelSerializer

    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        page = self.paginate_queryset(self.get_object().parcels.all())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=ReferencesSerializer, responses=ConsignmentSerializer)
    @transaction.atomic
    def post(self, request: Request, reference: str) -> Response:
        wanted = ReferencesSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        consignment = self.lock(State.OPEN)
        references = set(wanted.validated_data["references"])
        parcels = Parcel.objects.for_tenant(self.tenant).filter(reference__in=references).exclude(status__in=FINAL)
        if missing := references - {parcel.reference for parcel in parcels}:
            raise ValidationError({"references": [f"No parcel on its way: {name}" for name in sorted(missing)]})
        if Consignment.objects.exclude(pk=consignment.pk).exclude(state=State.ARRIVED).filter(parcels__in=parcels):
            raise ValidationError({"references": ["A parcel is in another consignment"]})
        consignment.parcels.add(*parcels)
        logger.info(
            "%d parcels put into %s",
            len(references),
            consignment,
            extra={"consignment_id": consignment.pk, "parcels": len(references)},
        )
        return Response(ConsignmentSerializer(self.get_object()).data)


class TransitionView(ConsignmentQueryset, generics.GenericAPIView):
    """Moves the consignment to its next state; a task then scans each of its parcels."""

    before: State
    after: State

    @extend_schema(request=None, responses={202: ConsignmentSerializer, 409: None})
    @transaction.atomic
    def post(self, request: Request, reference: str) -> Response:
        consignment = self.lock(self.before)
        consignment.state = self.after
        setattr(consignment, f"{self.after}_at", timezone.now())
        consignment.save()
        audit(f"consignment.{self.after}", consignment)
        location = consignment.origin if self.after == State.DEPARTED else consignment.destination
        scan_parcels.delay_on_commit(consignment.pk, location)
        logger.info("Consignment %s %s", consignment, self.after, extra={"consignment_id": consignment.pk})
        return Response(ConsignmentSerializer(self.get_object()).data, status=status.HTTP_202_ACCEPTED)


class DepartView(TransitionView):
    """The consignment leaves its origin."""

    before, after = State.OPEN, State.DEPARTED


class ArriveView(TransitionView):
    """The consignment reaches its destination."""

    before, after = State.DEPARTED, State.ARRIVED
