"""The import arrows of the architecture, read from the sources: a wrong one is a defect before anything runs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOMAINS = ("core", "accounts", "catalog", "audience", "offers", "sales", "access", "counter", "accounting")
LIBRARIES = ("seating", "realtime", "hardware")
APART = ("app", "tests", "benchmarks", *LIBRARIES)
"""Our own top-level packages."""


def complaints(root: Path) -> list[str]:
    """Every import under `root` that points against the arrows, as "module imports module"."""
    return [
        f"{module} imports {imported}"
        for path in sorted(root.rglob("*.py"))
        if (module := module_of(path, root)).split(".")[0] in {"app", *LIBRARIES}
        for imported in imports_of(path, module)
        if imported.split(".")[0] in APART and not may_import(module, imported)
    ]


def may_import(module: str, imported: str) -> bool:
    """Whether the arrows of the architecture let `module` import `imported`, both ours."""
    ours, theirs = module.split("."), imported.split(".")
    if theirs[0] in {"tests", "benchmarks"}:
        return module == "app.cli" and theirs[0] == "benchmarks"
    if ours[0] in LIBRARIES:
        return theirs[0] == ours[0]
    if theirs[0] in LIBRARIES:
        return "bootstrap" not in ours
    part, other = _part(ours), _part(theirs)
    if part == "bootstrap":
        return other == "bootstrap"
    if other == "demo":
        # The demo is built on the box office; nothing of the box office knows that there is a demo.
        return part in {"demo", "cli"}
    if part in DOMAINS:
        if other in DOMAINS:
            return DOMAINS.index(other) <= DOMAINS.index(part)
        return other in {"", "settings"}
    return True


def _part(module: list[str]) -> str:
    return module[1] if len(module) > 1 else ""


def imports_of(path: Path, module: str) -> Iterator[str]:
    """Everything a file imports, wherever in it (a late import is an arrow too); relative imports resolved."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *filter(None, [node.module])])
            # `from app import sales` names the module only in its aliases.
            yield from (f"{whole}.{alias.name}" for alias in node.names)


def module_of(path: Path, root: Path) -> str:
    parts = list(path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_import_points_against_the_arrows() -> None:
    assert complaints(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("seating/store.py", "from app.core import clock"),
        ("seating/store.py", "import realtime.board"),
        ("hardware/hub.py", "import seating"),
        ("app/core/money.py", "from app.sales import tables"),
        ("app/catalog/prices.py", "from ..sales.tables import Order"),
        ("app/sales/orders.py", "def late():\n    from app.counter import printing"),
        ("app/sales/orders.py", "from app import main"),
        ("app/accounts/log_in.py", "import app.demo.people"),
        ("app/bootstrap/main.py", "from app.settings import get_settings"),
        ("app/access/scans.py", "from tests import cast"),
    ],
)
def test_a_wrong_arrow_is_seen(tmp_path: Path, file: str, line: str) -> None:
    """The negative control: each kind of wrong import, alone in a tree of its own, is complained of."""
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(line + "\n")

    assert len(complaints(tmp_path)) == 1


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("app/sales/orders.py", "from app.catalog.tables import Event"),
        ("app/sales/orders.py", "from seating.store import Inventory"),
        ("app/core/db.py", "from app.settings import get_settings"),
        ("app/main.py", "from app.accounting import pages"),
        ("seating/store.py", "from seating.plan import Plan"),
        ("app/cli.py", "def bench():\n    from benchmarks.frame import run"),
    ],
)
def test_a_right_arrow_is_let_be(tmp_path: Path, file: str, line: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(line + "\n")

    assert complaints(tmp_path) == []


def test_the_bootstrap_needs_the_standard_library_only() -> None:
    """It runs before anything is installed."""
    foreign = {
        imported
        for path in [ROOT / "placeur", ROOT / "app" / "__init__.py", *(ROOT / "app" / "bootstrap").glob("*.py")]
        for imported in imports_of(path, "app.bootstrap.x")
        if imported.split(".")[0] not in sys.stdlib_module_names and not imported.startswith("app.bootstrap")
    }

    assert foreign == set()


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_domain_says_what_it_owns(domain: str) -> None:
    package = ROOT / "app" / domain / "__init__.py"

    assert ast.get_docstring(ast.parse(package.read_text(encoding="utf-8")))
