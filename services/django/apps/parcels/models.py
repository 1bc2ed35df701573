import secrets

from django.db import models
from django.utils import timezone

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


class Parcel(models.Model):
    tenant = models.ForeignKey("tenant_manager.Tenant", on_delete=models.CASCADE, related_name="parcels")
    reference = models.CharField(max_length=20, unique=True, default=new_reference, editable=False)
    recipient = models.CharField(max_length=200)
    destination = models.CharField(max_length=500)
    carrier = models.SlugField(default="northwind")
    weight_grams = models.PositiveIntegerField(default=1000)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.CREATED)
    label_key = models.CharField(
        max_length=200, blank=True, editable=False
    )  # in the label store; empty until put there
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return self.reference

    def record_scan(self, location: str, status: str) -> "Scan":
        """Add a scan; the parcel takes its status."""
        scan = self.scans.create(location=location, status=status)
        self.status = status
        self.save(update_fields=["status", "updated_at"])
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
