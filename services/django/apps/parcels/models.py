import secrets
from datetime import timedelta
from typing import Self

from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.db.models import Min, OuterRef, Q, Subquery
from django.utils import timezone

from apps.common.jobs import Job
from apps.common.models import TenantModel, TenantQuerySet

from .signals import parcel_scanned

# Crockford's: no letter is taken for a digit when it is read aloud.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference() -> str:
    """E.g. ``PT-7K2M9QXR4T``: 50 random bits, so that no parcel's reference tells another's."""
    return "PT-" + "".join(secrets.choice(_ALPHABET) for _ in range(10))


class Status(models.TextChoices):
    CREATED = "created"
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    RETURNED = "returned"


# Nothing more happens to a parcel that has one of these.
FINAL = (Status.DELIVERED, Status.RETURNED)
STALE_AFTER = timedelta(days=7)
MAX_GRAMS = 10_000_000  # ten tonnes are no parcel


def is_stale() -> Q:
    """On its way, and not seen for STALE_AFTER."""
    return Q(updated_at__lt=timezone.now() - STALE_AFTER) & ~Q(status__in=FINAL)


class ParcelQuerySet(TenantQuerySet):
    def with_delivered_at(self) -> Self:
        """Adds `delivered_at`: when its delivery was first reported, which may happen more than once; or None."""
        delivered = Scan.objects.filter(parcel=OuterRef("pk"), status=Status.DELIVERED).order_by()
        first = delivered.values("parcel").annotate(first=Min("scanned_at")).values("first")
        return self.annotate(delivered_at=Subquery(first))


class Parcel(TenantModel):
    reference = models.CharField(max_length=20, unique=True, default=new_reference, editable=False)
    recipient = models.CharField(max_length=200)
    destination = models.CharField(max_length=500)
    carrier = models.SlugField(default="northwind")
    weight_grams = models.PositiveIntegerField(default=1000, validators=[MaxValueValidator(MAX_GRAMS)])
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.CREATED)
    # In the label store; empty until put there.
    label_key = models.CharField(max_length=200, blank=True, editable=False)
    # The carrier's own; empty until it is booked.
    carrier_reference = models.CharField(max_length=100, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ParcelQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = (
            models.Index(fields=("tenant", "-created_at", "-id"), name="parcel_newest_of_tenant"),
            models.Index(fields=("tenant", "status"), name="parcel_status_of_tenant"),
        )

    def __str__(self) -> str:
        return self.reference

    @transaction.atomic
    def record_scan(self, location: str, status: str) -> "Scan":
        """Add a scan; the parcel takes its status. Sends `parcel_scanned` once that is committed."""
        scan = self.scans.create(location=location, status=status)
        self.status = status
        self.save(update_fields=["status", "updated_at"])
        transaction.on_commit(lambda: parcel_scanned.send_robust(Parcel, parcel=self, scan=scan))
        return scan


class Scan(models.Model):
    """One sighting of a parcel on its way."""

    parcel = models.ForeignKey(Parcel, on_delete=models.CASCADE, related_name="scans")
    location = models.CharField(max_length=200)
    status = models.CharField(max_length=20, choices=Status.choices)
    scanned_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("scanned_at", "pk")

    def __str__(self) -> str:
        return f"{self.parcel_id}: {self.status} at {self.location}"


class ParcelExport(Job):
    """A CSV file of the parcels that a list with the same filters shows."""

    query = models.CharField(max_length=1000, blank=True)  # the list's query string; empty: all parcels
    rows = models.PositiveIntegerField(null=True, editable=False)
    key = models.CharField(max_length=200, blank=True, editable=False)  # in the document store

    class Meta(Job.Meta):
        verbose_name = "export"
