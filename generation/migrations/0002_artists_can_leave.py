from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A snapshot that was generated from cannot be deleted by itself, but goes with its artist."""

    dependencies = [("generation", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="generation",
            name="snapshot",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="generations",
                to="catalog.dnasnapshot",
            ),
        ),
    ]
