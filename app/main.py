"""The only wiring: every router, the live feed, the edge, what starts and stops with the process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import structlog
from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.plugins.prometheus import PrometheusConfig
from litestar.static_files import create_static_files_router

from app.access import api as access_api
from app.access import pages as access_pages
from app.access.keys import register_key
from app.accounts import pages as account_pages
from app.audience import api as audience_api
from app.audience import pages as audience_pages
from app.catalog import seat_view_api
from app.core import db, health
from app.core.edge import Edge, refuse_cross_site
from app.core.logs import configure_logs
from app.core.redis import close_redis
from app.core.web import FRONTEND, handle_problem
from app.counter import api as counter_api
from app.counter import managing, seat_view_pages
from app.counter import pages as counter_pages
from app.feed import build_feed
from app.sales import api as sales_api
from app.sales import jobs as _sales_jobs
from app.sales import pages as sales_pages
from app.sales import waitlist_api
from app.sales.methods._stripe import close_connections as close_provider_connections
from app.sales.upkeep import keep_inventory
from app.settings import Settings

log = structlog.get_logger()
__all__ = ["create_app"]
assert _sales_jobs  # imported so that what this process enqueues is known


def create_app(settings: Settings) -> Litestar:
    """The web process: shop, counter, gate, dashboard, HTTP API and live feed."""
    configure_logs(settings.log_format, settings.log_level)
    feed, feed_lifespan = build_feed(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await db.start_pool(settings.database_pool)
        await register_key()
        db.spawn(keep_inventory(settings), name="keep inventory")
        try:
            async with feed_lifespan():
                yield
        finally:
            await db.end_background()
            await db.stop_pool()
            await close_redis()
            await close_provider_connections()

    metrics = PrometheusConfig(app_name="placeur", prefix="placeur", group_path=True)
    app = Litestar(
        route_handlers=[*_routers(), feed],
        lifespan=[lifespan],
        guards=[refuse_cross_site],
        middleware=[metrics.middleware],
        exception_handlers={Exception: handle_problem},
        compression_config=CompressionConfig(
            backend="gzip", minimum_size=1_000, gzip_compress_level=4, exclude_opt_key="skip_compression"
        ),
        openapi_config=OpenAPIConfig(
            title="Placeur",
            version="1",
            description="The HTTP API of a Placeur box office; see docs/api.md for carts, keys and errors.",
            path="/api/v1/openapi.json",
            # The document alone: the usual viewers load their code from elsewhere, which our policy forbids.
            render_plugins=[JsonRenderPlugin(path="/")],
        ),
        request_max_body_size=1_000_000,
        logging_config=None,
        debug=False,
    )
    app.asgi_handler = Edge()(app.asgi_handler)
    return app


def _routers() -> list[Any]:
    static: Router = create_static_files_router(
        path="/static/build",
        directories=[FRONTEND / "static" / "build"],
        cache_control=_forever(),
        include_in_schema=False,
    )
    return [
        sales_api.router,
        sales_pages.router,
        waitlist_api.router,
        audience_api.router,
        audience_pages.router,
        access_api.router,
        access_pages.router,
        account_pages.router,
        counter_api.router,
        counter_pages.router,
        managing.router,
        seat_view_pages.router,
        seat_view_api.router,
        health.router,
        static,
    ]


def _forever() -> CacheControlHeader:
    return CacheControlHeader(public=True, max_age=31_536_000, immutable=True)
