import secrets

from django.db import models

from apps.common.models import TenantModel

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference() -> str:
    """E.g. ``CN-7K2M9QXR``."""
    return "CN-" + "".join(secrets.choice(_ALPHABET) for _ in range(8))


class State(models.TextChoices):
    OPEN = "open"  # parcels may be put in and taken out
    DEPARTED = "departed"
    ARRIVED = "arrived"


class Consignment(TenantModel):
    """Parcels that travel one leg of their way together."""

    reference = models.CharField(max_length=20, unique=True, default=new_reference, editable=False)
    origin = models.CharField(max_length=200)
    destination = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN, editable=False)
    parcels = models.ManyToManyField("parcels.Parcel", related_name="consignments", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    departed_at = models.DateTimeField(null=True, editable=False)
    arrived_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return self.reference
