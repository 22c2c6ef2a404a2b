from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.columns.column_types import BigInt, BigSerial, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Unique
from piccolo.table import Table


class WaitlistEntry(Table, tablename="waitlist_entry", schema="audience"):
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


ID = "2026-11-22T14:12:09:592455"
VERSION = "1.38.0"
DESCRIPTION = "Other browsers of an entry that is on the waitlist already (WTL-1, LIVE-4)"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="audience", description=DESCRIPTION)

    manager.add_table(
        class_name="WaitlistPage",
        tablename="waitlist_page",
        schema="audience",
        columns=None,
    )

    manager.add_column(
        table_class_name="WaitlistPage",
        tablename="waitlist_page",
        column_name="id",
        db_column_name="id",
        column_class_name="BigInt",
        column_class=BigInt,
        params={
            "default": 0,
            "null": False,
            "primary_key": True,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="audience",
    )

    manager.add_column(
        table_class_name="WaitlistPage",
        tablename="waitlist_page",
        column_name="entry",
        db_column_name="entry",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": WaitlistEntry,
            "on_delete": OnDelete.cascade,
            "on_update": OnUpdate.cascade,
            "target_column": None,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": True,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="audience",
    )

    manager.add_column(
        table_class_name="WaitlistPage",
        tablename="waitlist_page",
        column_name="visitor",
        db_column_name="visitor",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 40,
            "default": "",
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": True,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="audience",
    )

    manager.add_column(
        table_class_name="WaitlistPage",
        tablename="waitlist_page",
        column_name="places",
        db_column_name="places",
        column_class_name="Integer",
        column_class=Integer,
        params={
            "default": 0,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="audience",
    )

    manager.add_column(
        table_class_name="WaitlistPage",
        tablename="waitlist_page",
        column_name="joined_at",
        db_column_name="joined_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={
            "default": None,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="audience",
    )

    manager.add_constraint(
        table_class_name="WaitlistPage",
        tablename="waitlist_page",
        constraint_name="unique_page",
        constraint_class=Unique,
        params={"columns": ["entry", "visitor"], "nulls_distinct": True},
        schema="audience",
    )

    return manager
