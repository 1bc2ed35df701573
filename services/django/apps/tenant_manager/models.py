from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

# A DNS label, as the slug may be a subdomain.
slug_validator = RegexValidator(
    r"\A[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?\Z", "Lower-case letters, digits and, between them, hyphens; 50 at most."
)


class Tenant(models.Model):
    """A company that sends parcels. Its members see its parcels and no one else's."""

    slug = models.SlugField(unique=True, validators=[slug_validator])
    name = models.CharField(max_length=200)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="tenants")

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


class Role(models.TextChoices):
    MEMBER = "member"
    OWNER = "owner"  # also manages members and brand, reads the audit log, erases personal data


class Membership(models.Model):
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        db_table = "tenant_manager_tenant_members"  # it was the relation's own
        unique_together = (("tenant", "user"),)
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.user_id} in {self.tenant_id}"
