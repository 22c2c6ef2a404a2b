from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-22T11:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Which performances a seat cannot be sold in twice (SEA-7)"

# Two passes that share a match exclude each other too: one seat of the match cannot be owed to both.
FORWARDS = """
CREATE VIEW catalog.plan_conflict (one, other) AS
    SELECT season_pass, match FROM catalog.plan_link
    UNION SELECT match, season_pass FROM catalog.plan_link
    UNION SELECT a.season_pass, b.season_pass FROM catalog.plan_link a
        JOIN catalog.plan_link b ON b.match = a.match AND b.season_pass <> a.season_pass;
ALTER TABLE catalog.plan_link ADD CONSTRAINT plan_link_not_itself CHECK (season_pass <> match);
"""

BACKWARDS = """
ALTER TABLE catalog.plan_link DROP CONSTRAINT plan_link_not_itself;
DROP VIEW catalog.plan_conflict;
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
