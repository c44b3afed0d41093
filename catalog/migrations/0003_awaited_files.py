from django.db import migrations, models

from catalog.imports.matching import fold


def fill(apps, schema_editor):
    tracks = apps.get_model("catalog", "Track").objects.filter(status="metadata", path="")
    batch = []
    for track in tracks.exclude(filename="").only("filename").iterator(1000):
        track.awaited = fold(track.filename)[:255]
        batch.append(track)
    tracks.model.objects.bulk_update(batch, ["awaited"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_collections"),
    ]

    operations = [
        migrations.AddField(
            model_name="track",
            name="awaited",
            field=models.CharField(
                blank=True,
                default="",
                help_text="without audio: the folded name of the file that would be it",
                max_length=255,
            ),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="track",
            index=models.Index(
                condition=models.Q(("awaited", ""), _negated=True),
                fields=["artist", "awaited"],
                name="awaited_files",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
