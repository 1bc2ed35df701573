import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """The relation's own table becomes the model Membership, and keeps its rows."""

    dependencies = [
        ("tenant_manager", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(name="tenant", options={"ordering": ("slug",)}),
        migrations.AlterField(
            model_name="tenant",
            name="slug",
            field=models.SlugField(
                unique=True,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?\\Z",
                        "Lower-case letters, digits and, between them, hyphens; 50 at most.",
                    )
                ],
            ),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Membership",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "tenant",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to="tenant_manager.tenant",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "tenant_manager_tenant_members",
                        "unique_together": {("tenant", "user")},
                        "ordering": ("pk",),
                    },
                ),
                migrations.AlterField(
                    model_name="tenant",
                    name="members",
                    field=models.ManyToManyField(
                        related_name="tenants", through="tenant_manager.Membership", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="membership",
            name="role",
            field=models.CharField(
                choices=[("member", "Member"), ("owner", "Owner")], default="member", max_length=10
            ),
        ),
    ]
