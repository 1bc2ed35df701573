from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from apps.parcels.models import MAX_GRAMS


class HSCode(models.Model):
    """A subheading of the Harmonized System: six digits that customs of every country know."""

    code = models.CharField(
        primary_key=True, max_length=6, validators=[RegexValidator(r"\A\d{6}\Z", "Six digits, without dots")]
    )
    description = models.CharField(max_length=200)

    class Meta:
        verbose_name = "HS code"
        ordering = ("code",)

    def __str__(self) -> str:
        return f"{self.code} {self.description}"


class DeclaredItem(models.Model):
    """One line of a parcel's customs declaration."""

    parcel = models.ForeignKey("parcels.Parcel", on_delete=models.CASCADE, related_name="declared_items")
    hs_code = models.ForeignKey(HSCode, on_delete=models.PROTECT, related_name="+")
    description = models.CharField(max_length=200)  # what it is, in plain words: customs ask for it beside the code
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(1_000_000)])
    # Weight and value are of all of them.
    weight_grams = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(MAX_GRAMS)])
    value = models.DecimalField(max_digits=12, decimal_places=2, validators=[MinValueValidator(0)])
    currency = models.CharField(
        max_length=3, validators=[RegexValidator(r"\A[A-Z]{3}\Z", "An ISO 4217 code, e.g. EUR")]
    )
    origin = models.CharField(
        max_length=2, validators=[RegexValidator(r"\A[A-Z]{2}\Z", "An ISO 3166 country code, e.g. DE")]
    )

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.quantity} of {self.hs_code_id}"
