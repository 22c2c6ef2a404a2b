from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Integer, Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T08:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What a provider really took, beside what it was asked for; refunds are held against that (PAY-7)"

# Money that came in wrong must be able to go back whole, also when it is more than the order asked for.
HELD_AGAINST = """
CREATE OR REPLACE FUNCTION sales.refuse_over_refund() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    taken integer;
    given bigint;
BEGIN
    SELECT {taken} INTO taken FROM sales.payment WHERE id = NEW.payment FOR UPDATE;
    SELECT coalesce(sum(amount_minor), 0) INTO given FROM sales.refund
        WHERE payment = NEW.payment AND id <> NEW.id AND status <> 'refused';
    IF NEW.status <> 'refused' AND given + NEW.amount_minor > taken THEN
        RAISE EXCEPTION 'refunds of payment % would exceed what was paid', NEW.payment;
    END IF;
    RETURN NEW;
END $$;
"""


def _nullable():
    return {
        "default": None,
        "null": True,
        "primary_key": False,
        "unique": False,
        "index": False,
        "index_method": IndexMethod.btree,
        "choices": None,
        "db_column_name": None,
        "secret": False,
    }


async def forwards():
    from app.core.db import require_transaction

    # Piccolo awaits coroutine functions only; a lambda that returns a coroutine is silently dropped.
    async def apply() -> None:
        await require_transaction().execute(HELD_AGAINST.format(taken="coalesce(charged_minor, amount_minor)"))

    async def undo() -> None:
        await require_transaction().execute(HELD_AGAINST.format(taken="amount_minor"))

    manager = MigrationManager(migration_id=ID, app_name="sales", description=DESCRIPTION)
    manager.add_column(
        table_class_name="Payment",
        tablename="payment",
        column_name="charged_minor",
        db_column_name="charged_minor",
        column_class_name="Integer",
        column_class=Integer,
        params=_nullable(),
        schema="sales",
    )
    manager.add_column(
        table_class_name="Payment",
        tablename="payment",
        column_name="charged_currency",
        db_column_name="charged_currency",
        column_class_name="Varchar",
        column_class=Varchar,
        params=_nullable() | {"length": 3},
        schema="sales",
    )
    manager.add_raw(apply)
    manager.add_raw_backwards(undo)
    return manager
