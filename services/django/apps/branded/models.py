from django.core.validators import RegexValidator
from django.db import models


class Brand(models.Model):
    """How a tenant's public tracking page looks. A tenant without one has the defaults below."""

    tenant = models.OneToOneField("tenant_manager.Tenant", on_delete=models.CASCADE, related_name="brand")
    colour = models.CharField(
        max_length=7, default="#1f4e79", validators=[RegexValidator(r"\A#[0-9a-fA-F]{6}\Z", "Like #1f4e79.")]
    )
    greeting = models.CharField(max_length=200, blank=True, default="Thank you for your order.")
    support_email = models.EmailField(blank=True)

    def __str__(self) -> str:
        return f"brand of {self.tenant_id}"
