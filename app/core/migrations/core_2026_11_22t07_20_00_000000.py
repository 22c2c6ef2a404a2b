from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-22T07:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The journal can only grow (AHEAD-5)"

FORWARDS = """
CREATE FUNCTION core.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only';
END $$;
CREATE TRIGGER journal_line_append_only BEFORE UPDATE OR DELETE ON core.journal_line
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER journal_line_no_truncate BEFORE TRUNCATE ON core.journal_line
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
"""

BACKWARDS = """
DROP TRIGGER journal_line_no_truncate ON core.journal_line;
DROP TRIGGER journal_line_append_only ON core.journal_line;
DROP FUNCTION core.refuse_change();
"""


async def forwards():
    from app.core.db import require_transaction

    # Piccolo awaits coroutine functions only; a lambda that returns a coroutine is silently dropped.
    async def apply() -> None:
        await require_transaction().execute(FORWARDS)

    async def undo() -> None:
        await require_transaction().execute(BACKWARDS)

    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)
    manager.add_raw(apply)
    manager.add_raw_backwards(undo)
    return manager
