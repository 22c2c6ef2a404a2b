from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-22T11:02:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "No seat twice over linked performances either (SEA-7)"

# An index cannot span performances. The lock makes two orders for one seat take turns; each statement of the function
# then sees what the first has committed. Performances without links pay one look into a small view.
FORWARDS = """
CREATE FUNCTION sales.refuse_linked_seat() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seat IS NULL OR NEW.status NOT IN ('pending', 'sold')
        OR NOT EXISTS (SELECT 1 FROM catalog.plan_conflict WHERE one = NEW.performance) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.status IN ('pending', 'sold') AND OLD.seat = NEW.seat AND OLD.performance = NEW.performance THEN
            RETURN NEW;
        END IF;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(coalesce(e.inventory, 'e' || e.id) || ':' || NEW.seat, 13))
        FROM catalog.performance p JOIN catalog.event e ON e.id = p.event WHERE p.id = NEW.performance;
    IF EXISTS (
        SELECT 1 FROM sales.ticket t JOIN catalog.plan_conflict c ON c.other = t.performance
        WHERE c.one = NEW.performance AND t.seat = NEW.seat AND t.status IN ('pending', 'sold')
    ) THEN
        RAISE EXCEPTION 'seat % of performance % is sold in a linked one', NEW.seat, NEW.performance
            USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ticket_not_in_linked BEFORE INSERT OR UPDATE OF status, seat, performance ON sales.ticket
    FOR EACH ROW EXECUTE FUNCTION sales.refuse_linked_seat();
"""

BACKWARDS = """
DROP TRIGGER ticket_not_in_linked ON sales.ticket;
DROP FUNCTION sales.refuse_linked_seat();
"""


async def forwards():
    from app.core.db import require_transaction

    # Piccolo awaits coroutine functions only; a lambda that returns a coroutine is silently dropped.
    async def apply() -> None:
        await require_transaction().execute(FORWARDS)

    async def undo() -> None:
        await require_transaction().execute(BACKWARDS)

    manager = MigrationManager(migration_id=ID, app_name="sales", description=DESCRIPTION)
    manager.add_raw(apply)
    manager.add_raw_backwards(undo)
    return manager
