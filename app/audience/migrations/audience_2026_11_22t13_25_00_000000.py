from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-22T13:25:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "An e-mail address stands once on a list (WTL-1)"

# Piccolo knows neither partial indexes nor those on expressions. Who has bought may join again; nobody else twice.
FORWARDS = """
CREATE UNIQUE INDEX waitlist_entry_once ON audience.waitlist_entry
    (event, lower(email), coalesce(performance, 0), coalesce(tariff, 0)) WHERE state <> 'served';
CREATE INDEX waitlist_entry_alive ON audience.waitlist_entry (event, joined_at, id) WHERE state <> 'served';
ALTER TABLE audience.waitlist_entry ADD CONSTRAINT waitlist_entry_wants_places CHECK (places > 0);
ALTER TABLE audience.waitlist ADD CONSTRAINT waitlist_delay CHECK (delay_minutes BETWEEN 5 AND 10080);
"""

BACKWARDS = """
ALTER TABLE audience.waitlist DROP CONSTRAINT waitlist_delay;
ALTER TABLE audience.waitlist_entry DROP CONSTRAINT waitlist_entry_wants_places;
DROP INDEX audience.waitlist_entry_alive;
DROP INDEX audience.waitlist_entry_once;
"""


async def forwards():
    from app.core.db import require_transaction

    # Piccolo awaits coroutine functions only; a lambda that returns a coroutine is silently dropped.
    async def apply() -> None:
        await require_transaction().execute(FORWARDS)

    async def undo() -> None:
        await require_transaction().execute(BACKWARDS)

    manager = MigrationManager(migration_id=ID, app_name="audience", description=DESCRIPTION)
    manager.add_raw(apply)
    manager.add_raw_backwards(undo)
    return manager
