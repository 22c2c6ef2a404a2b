"""The command line: reads the arguments of a verb and hands them to the module that does the work.

Imports of that work are inside the functions: a hub needs no web framework, and `--help` needs none of it.
`./placeur VERB` sets up what a verb needs and then comes here; `test` is pytest and never arrives.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from app.core.process import end_with_parent, run_until_told
from app.settings import Settings, SettingsError, get_settings

ROOT = Path(__file__).resolve().parents[1]
DEMO_PORT = 8000
DEMO_DATA = ROOT / ".placeur"


class Parser(argparse.ArgumentParser):
    """argparse that answers with one sentence instead of its usage lines."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; `{self.prog} --help` says more.", file=sys.stderr)
        raise SystemExit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    end_with_parent()
    chosen = parser().parse_args(arguments)
    try:
        return int(chosen.do(chosen) or 0)
    except SettingsError as error:
        for problem in error.problems:
            print(f"placeur: {problem}", file=sys.stderr)
        return 2
    except (ConnectionError, FileNotFoundError) as error:
        # An engine that does not answer, at its port or its socket. Anything else is ours and keeps its traceback.
        print(f"placeur: an engine does not answer ({error}): `placeur check` tells which.", file=sys.stderr)
        return 1


def parser() -> Parser:
    root = Parser(prog="placeur", description="A real-time box office.")
    verbs = root.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    _add_services(verbs)
    _add_demo(verbs)
    _add_tools(verbs)
    return root


def _add_services(verbs: argparse._SubParsersAction[Parser]) -> None:
    web = verbs.add_parser("web", help="serve pages, the HTTP API and the live feed")
    web.add_argument("--host", default="127.0.0.1")
    web.add_argument("--port", type=_port, default=DEMO_PORT)
    web.add_argument(
        "--trust-proxy", metavar="ADDRESS", help="take the client's address and scheme from this proxy's headers"
    )
    web.set_defaults(do=_web)
    worker = verbs.add_parser("worker", help="mails, expiring holds, late payments")
    worker.set_defaults(do=_worker)
    hub = verbs.add_parser("hub", help="the hub that a venue's devices talk to")
    hub.set_defaults(do=_hub)
    agent = verbs.add_parser("agent", help="drive a desk's printers or a gate's scanner")
    agent.add_argument("--key-file", type=Path, required=True, metavar="FILE", help="its key pair; made when missing")
    agent.add_argument("--hub-key", required=True, metavar="KEY", help="the hub's public key, 40 characters")
    agent.add_argument("--data", type=Path, required=True, metavar="DIRECTORY", help="its spool and its memory")
    agent.add_argument("--printer", default="", metavar="HOST:PORT", help="a network printer to drive")
    agent.add_argument("--language", default="zpl", help="what the printer speaks")
    agent.add_argument("--gate", default="", metavar="NAME", help="the gate whose tickets it scans")
    agent.add_argument("--scanner-port", type=_port, metavar="PORT", help="where network scanners connect")
    agent.set_defaults(do=_agent)


def _add_demo(verbs: argparse._SubParsersAction[Parser]) -> None:
    demo = verbs.add_parser("demo", help="run the whole box office here, with a demo season")
    demo.add_argument("--port", type=_demo_port, default=DEMO_PORT, help="the shop's; the next six serve the rest")
    demo.add_argument("--data", type=Path, default=DEMO_DATA, metavar="DIRECTORY")
    demo.add_argument("--fresh", action="store_true", help="delete the demo's data and start over")
    demo.add_argument("--no-browser", action="store_true", help="do not open the shop in a browser")
    demo.set_defaults(do=_demo)
    world = verbs.add_parser("world", help="the demo's bank, mailbox and printer")
    world.add_argument("--port", type=_port, default=DEMO_PORT + 1)
    world.add_argument("--smtp-port", type=_port, default=DEMO_PORT + 2)
    world.add_argument("--printer-port", type=_port, default=9100)
    world.set_defaults(do=_world)
    season = verbs.add_parser("season", help="load the demo season into an empty box office")
    season.set_defaults(do=_season)


def _add_tools(verbs: argparse._SubParsersAction[Parser]) -> None:
    migrate = verbs.add_parser("migrate", help="bring the database to this version")
    migrate.set_defaults(do=_migrate)
    check = verbs.add_parser("check", help="explain what is wrong with the settings, if anything")
    check.add_argument("--new-key", action="store_true", help="print a new PLACEUR_TICKET_KEY and stop")
    check.set_defaults(do=_check)
    audit = verbs.add_parser("audit", help="check that the sales journal is whole")
    audit.set_defaults(do=_audit)
    stock = verbs.add_parser("inventory", help="the live inventory: seats, holds and quotas in Redis")
    steps = stock.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    comparing = steps.add_parser("check", help="say where it differs from itself or from the ledger")
    comparing.add_argument("--repair", action="store_true", help="mend it while selling goes on, and look again")
    comparing.add_argument(
        "--group", default="", metavar="GROUP", help="this one only, by its name or an event's number"
    )
    comparing.add_argument("--json", action="store_true", help="answer as JSON")
    comparing.add_argument("--language", default="", metavar="CODE", help="fr, en; else the environment's")
    comparing.set_defaults(do=_check_inventory)
    bench = verbs.add_parser("bench", help="measure every figure that the project claims")
    bench.add_argument("names", nargs="*", metavar="NAME", help="a figure, or the beginning of its name: seating")
    bench.add_argument("--smoke", action="store_true", help="seconds instead of minutes: does it still run at all?")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    bench.set_defaults(do=_bench)
    lint = verbs.add_parser("lint", help="ruff and mypy over everything")
    lint.set_defaults(do=_lint)
    plan = verbs.add_parser("plan", help="seating plans")
    actions = plan.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    importing = actions.add_parser("import", help="import a plan (pretix's JSON), or say row by row what is wrong")
    importing.add_argument("file", type=Path, metavar="FILE")
    importing.add_argument("--renumber", action="store_true", help="give new ids to seats whose ids repeat")
    importing.add_argument("--organizer", default="", metavar="SLUG", help="whose it becomes, where there are several")
    importing.add_argument("--check", action="store_true", help="only say whether it could be imported")
    importing.set_defaults(do=_import_plan)


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port (1 to 65535)")


def _demo_port(text: str) -> int:
    """The demo takes the six ports that follow as well."""
    if (port := _port(text)) <= 65_529:
        return port
    raise argparse.ArgumentTypeError(f"{text} leaves no room for the six ports that follow it (65529 at most)")


def _web(chosen: argparse.Namespace) -> None:
    import uvicorn

    from app.main import create_app
    from realtime.sockets import uvicorn_options

    settings = get_settings()
    uvicorn.run(
        lambda: create_app(settings),
        factory=True,
        host=chosen.host,
        port=chosen.port,
        loop="uvloop",
        http="httptools",
        **uvicorn_options(settings.live_frame_bytes_max),
        # A stranger's X-Forwarded-For must not become an address in our journal or rate limits.
        proxy_headers=chosen.trust_proxy is not None,
        forwarded_allow_ips=chosen.trust_proxy,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,  # open maps reconnect elsewhere; nobody waits for them
    )


def _worker(chosen: argparse.Namespace) -> None:
    from app.worker import run

    run_until_told(run(get_settings()))


def _hub(chosen: argparse.Namespace) -> None:
    from app.hub import run

    run_until_told(run(get_settings()))


def _agent(chosen: argparse.Namespace) -> int:
    from app.agent import AgentRefused, AgentWish, run

    wish = AgentWish(
        key_file=chosen.key_file,
        hub_public_key=chosen.hub_key,
        data=chosen.data,
        printer=chosen.printer,
        language=chosen.language,
        gate=chosen.gate,
        scanner_port=chosen.scanner_port,
    )
    try:
        run_until_told(run(get_settings(), wish))
    except AgentRefused as refused:
        print(f"placeur agent: {refused}", file=sys.stderr)
        return 2
    return 0


def _world(chosen: argparse.Namespace) -> None:
    from app.demo.world import run

    run_until_told(run(get_settings(), port=chosen.port, smtp_port=chosen.smtp_port, printer_port=chosen.printer_port))


def _demo(chosen: argparse.Namespace) -> int:
    from app.demo.supervisor import run

    return run(port=chosen.port, data=chosen.data, fresh=chosen.fresh, browser=not chosen.no_browser)


def _season(chosen: argparse.Namespace) -> None:
    from app.demo.season import load

    run_until_told(load())


def _migrate(chosen: argparse.Namespace) -> int:
    from app.core.schema import migrate

    async def work(settings: Settings) -> None:
        print(await migrate(settings.database_url))

    try:
        run_until_told(work(get_settings()))
    except (OSError, RuntimeError) as error:
        print(f"placeur: {error}", file=sys.stderr)
        return 1
    return 0


def _check(chosen: argparse.Namespace) -> int:
    from app.checkup import new_ticket_key, report

    if chosen.new_key:
        print(new_ticket_key())
        return 0
    return report(get_settings())


def _audit(chosen: argparse.Namespace) -> int:
    from app.audit import report

    return report(get_settings())


def _check_inventory(chosen: argparse.Namespace) -> int:
    from app.sales.inventory_check import report

    return report(
        get_settings(), group=chosen.group, repair=chosen.repair, as_json=chosen.json, language=chosen.language
    )


def _bench(chosen: argparse.Namespace) -> int:
    from benchmarks.frame import run

    return run(chosen.names, smoke=chosen.smoke, json_file=chosen.json)


def _lint(chosen: argparse.Namespace) -> int:
    """Every tool runs, so that one visit shows all there is to mend."""
    tools = [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy", "--strict", *(name for name in SOURCES if (ROOT / name).exists())],
    ]
    codes = [subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, check=False).returncode for tool in tools]
    return int(any(codes))


SOURCES = ("app", "seating", "realtime", "hardware", "benchmarks", "tests")


def _import_plan(chosen: argparse.Namespace) -> int:
    from app.demo.engines import running_postgres

    if "DATABASE_URL" not in os.environ and (url := running_postgres(DEMO_DATA)):
        # Whoever tries it beside a running demo means that one. Settings are read after this, with the tables.
        os.environ["DATABASE_URL"] = url
    from app.catalog.plan_import import import_file

    return import_file(chosen.file, renumber=chosen.renumber, organizer=chosen.organizer, check_only=chosen.check)


if __name__ == "__main__":
    sys.exit(main())
