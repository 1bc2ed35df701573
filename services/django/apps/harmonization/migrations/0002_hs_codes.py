from django.db import migrations

from apps.harmonization.codes import CODES


def fill(apps, schema_editor):
    HSCode = apps.get_model("harmonization", "HSCode")
    HSCode.objects.bulk_create(
        [HSCode(code=code, description=description) for code, description in CODES.items()], ignore_conflicts=True
    )


class Migration(migrations.Migration):
    dependencies = [("harmonization", "0001_initial")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
