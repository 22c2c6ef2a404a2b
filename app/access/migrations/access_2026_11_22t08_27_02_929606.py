from enum import Enum

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Varchar

ID = "2026-11-22T08:27:02:929606"
VERSION = "1.38.0"
DESCRIPTION = "A verdict for tickets of another day (ACC-1)"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="access", description=DESCRIPTION)

    manager.alter_column(
        table_class_name="Scan",
        tablename="scan",
        column_name="verdict",
        db_column_name="verdict",
        params={
            "choices": Enum(
                "Verdict",
                {
                    "ADMITTED": "admitted",
                    "ALREADY_USED": "already_used",
                    "UNKNOWN": "unknown",
                    "FORGED": "forged",
                    "CANCELLED": "cancelled",
                    "NOT_PAID": "not_paid",
                    "WRONG_EVENT": "wrong_event",
                    "NOT_TODAY": "not_today",
                },
            )
        },
        old_params={
            "choices": Enum(
                "Verdict",
                {
                    "ADMITTED": "admitted",
                    "ALREADY_USED": "already_used",
                    "UNKNOWN": "unknown",
                    "FORGED": "forged",
                    "CANCELLED": "cancelled",
                    "NOT_PAID": "not_paid",
                    "WRONG_EVENT": "wrong_event",
                },
            )
        },
        column_class=Varchar,
        old_column_class=Varchar,
        schema="access",
    )

    return manager
