"""Where Piccolo finds the database and the domains' tables."""

from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

from app.settings import get_settings

DB = PostgresEngine(config={"dsn": get_settings().database_url})

# In the order of the domains: migrations run in it, and may only depend leftward.
APP_REGISTRY = AppRegistry(
    apps=[
        "app.core.piccolo_app",
        "app.accounts.piccolo_app",
        "app.catalog.piccolo_app",
        "app.audience.piccolo_app",
        "app.sales.piccolo_app",
        "app.access.piccolo_app",
        "app.counter.piccolo_app",
    ]
)
