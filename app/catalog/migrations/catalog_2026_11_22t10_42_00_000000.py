from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-22T10:42:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Which allotments are in force is said once, for every query (AHEAD-2)"

# Apart from the migration that makes the table: Piccolo runs what is raw first.
FORWARDS = """
CREATE FUNCTION catalog.in_force(a catalog.allotment, at timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT a.released_at IS NULL AND (a.release_at IS NULL OR a.release_at > at)
$$;
ALTER TABLE catalog.allotment ADD CONSTRAINT allotment_quantity_not_negative CHECK (quantity >= 0);
"""

BACKWARDS = """
ALTER TABLE catalog.allotment DROP CONSTRAINT allotment_quantity_not_negative;
DROP FUNCTION catalog.in_force;
"""


async def forwards():
    from app.core.db import require_transaction

    # Piccolo awaits coroutine functions only; a lambda that returns a coroutine is silently dropped.
    async def apply() -> None:
        await require_transaction().execute(FORWARDS)

    async def undo() -> None:
        await require_transaction().execute(BACKWARDS)

    manager = MigrationManager(migration_id=ID, app_name="catalog", description=DESCRIPTION)
    manager.add_raw(apply)
    manager.add_raw_backwards(undo)
    return manager
