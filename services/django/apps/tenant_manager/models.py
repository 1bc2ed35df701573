from django.conf import settings
from django.db import models


class Tenant(models.Model):
    """A company that sends parcels. Its members see its parcels and no one else's."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="tenants")

    def __str__(self) -> str:
        return self.slug
