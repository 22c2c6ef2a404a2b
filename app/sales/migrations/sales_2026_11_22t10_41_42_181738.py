from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.columns.column_types import BigSerial, ForeignKey
from piccolo.columns.indexes import IndexMethod
from piccolo.table import Table


class Allotment(Table, tablename="allotment", schema="catalog"):
    id = BigSerial(
        null=False,
        primary_key=True,
        unique=False,
        index=False,
        index_method=IndexMethod.btree,
        choices=None,
        db_column_name=None,
        secret=False,
    )


ID = "2026-11-22T10:41:42:181738"
VERSION = "1.38.0"
DESCRIPTION = "A ticket knows the allotment its place came from (AHEAD-2)"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="sales", description=DESCRIPTION)

    manager.add_column(
        table_class_name="Ticket",
        tablename="ticket",
        column_name="allotment",
        db_column_name="allotment",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": Allotment,
            "on_delete": OnDelete.restrict,
            "on_update": OnUpdate.cascade,
            "target_column": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": True,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="sales",
    )

    return manager
