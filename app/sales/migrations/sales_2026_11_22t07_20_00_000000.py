from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-22T07:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "No seat twice (LIVE-10), no refund above its payment (PAY-7), no negative amount"

# Piccolo knows no partial index. This one makes a double sale impossible whatever else fails.
FORWARDS = """
CREATE UNIQUE INDEX ticket_one_live_per_seat ON sales.ticket (performance, seat)
    WHERE seat IS NOT NULL AND status IN ('pending', 'sold');
CREATE INDEX ticket_live_of_performance ON sales.ticket (performance, tariff, category)
    WHERE status IN ('pending', 'sold');
CREATE INDEX sale_waiting ON sales.sale (deadline_at) WHERE status = 'pending';
ALTER TABLE sales.ticket ADD CONSTRAINT ticket_price_not_negative CHECK (price_minor >= 0);
ALTER TABLE sales.sale ADD CONSTRAINT sale_total_not_negative CHECK (total_minor >= 0);
ALTER TABLE sales.payment ADD CONSTRAINT payment_not_negative CHECK (amount_minor >= 0);
ALTER TABLE sales.refund ADD CONSTRAINT refund_positive CHECK (amount_minor > 0);
CREATE FUNCTION sales.refuse_over_refund() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    taken integer;
    given bigint;
BEGIN
    SELECT amount_minor INTO taken FROM sales.payment WHERE id = NEW.payment FOR UPDATE;
    SELECT coalesce(sum(amount_minor), 0) INTO given FROM sales.refund
        WHERE payment = NEW.payment AND id <> NEW.id AND status <> 'refused';
    IF NEW.status <> 'refused' AND given + NEW.amount_minor > taken THEN
        RAISE EXCEPTION 'refunds of payment % would exceed what was paid', NEW.payment;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refund_within_payment BEFORE INSERT OR UPDATE ON sales.refund
    FOR EACH ROW EXECUTE FUNCTION sales.refuse_over_refund();
"""

BACKWARDS = """
DROP TRIGGER refund_within_payment ON sales.refund;
DROP FUNCTION sales.refuse_over_refund();
ALTER TABLE sales.refund DROP CONSTRAINT refund_positive;
ALTER TABLE sales.payment DROP CONSTRAINT payment_not_negative;
ALTER TABLE sales.sale DROP CONSTRAINT sale_total_not_negative;
ALTER TABLE sales.ticket DROP CONSTRAINT ticket_price_not_negative;
DROP INDEX sales.sale_waiting;
DROP INDEX sales.ticket_live_of_performance;
DROP INDEX sales.ticket_one_live_per_seat;
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
