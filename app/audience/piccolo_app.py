"""The tables of `app.audience` and where their migrations are."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="audience",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=table_finder(modules=["app.audience.tables"], exclude_imported=True),
    migration_dependencies=["app.catalog.piccolo_app"],
    commands=[],
)
