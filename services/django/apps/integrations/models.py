from django.db import models


class WebhookDelivery(models.Model):
    """A carrier's webhook that took effect: its id must not take effect again."""

    carrier = models.SlugField()
    delivery_id = models.CharField(max_length=100)
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = (models.UniqueConstraint(fields=("carrier", "delivery_id"), name="webhook_takes_effect_once"),)

    def __str__(self) -> str:
        return f"{self.carrier}: {self.delivery_id}"
