"""Every room has a door: what it is for, and exactly what others use of it."""

import ast
import importlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("index", "assistant", "ui")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
    for layer in LAYERS
    for path in sorted((ROOT / layer).rglob("*.py"))
}
ROOMS = sorted(
    name.removesuffix(".__init__")
    for name in MODULES
    if name.endswith(".__init__") and name.count(".") > 1 and not name.endswith("data.__init__")
)
# Behind no door, for what they import costs much and most who pass the door have no use for it.
APART = {
    "index.encoding.model.encoder_graph": "onnx, which only exports need",
    "assistant.mcp.mcp_server": "mcp, which takes a second to load",
}


def room(module: str) -> str:
    """Return the room that a module stands in; a door stands in its own."""
    return module.rpartition(".")[0]


def imports(module: str, lazy: bool) -> Iterator[tuple[str, str]]:
    """Yield what a module imports from ours, by module and name; lazy: also within functions."""
    tree = MODULES[module]
    for node in ast.walk(tree) if lazy else tree.body:
        source = node.module if isinstance(node, ast.ImportFrom) else None
        if isinstance(node, ast.ImportFrom) and source and source.partition(".")[0] in LAYERS:
            yield from ((source, alias.name) for alias in node.names)


def used(name: str) -> set[str]:
    """Return what others import from a room's door."""
    scripts = [*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "docs").rglob("*.py")]
    found = set()
    for module in MODULES:
        if room(module) != name:
            found |= {what for source, what in imports(module, lazy=True) if source == name}
    for path in scripts:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == name:
                found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_exports_exactly_what_others_use(name: str) -> None:
    door = importlib.import_module(name)
    assert door.__doc__
    assert set(door.__all__) == used(name)
    assert all(hasattr(door, each) for each in door.__all__)


def test_what_is_needed_at_once_comes_through_the_door() -> None:
    """Imports within functions may pass it by: they wait for what is heavy."""
    wrong = []
    for module in MODULES:
        for source, _ in imports(module, lazy=False):
            home = room(source)
            apart = source in APART or home in LAYERS or source in LAYERS or source in ROOMS
            if not apart and not f"{room(module)}.".startswith(f"{home}."):
                wrong.append((module, source))
    assert not wrong


def test_rooms_depend_on_each_other_one_way() -> None:
    above = defaultdict(set)
    for module in MODULES:
        own = room(module)
        for source, _ in imports(module, lazy=False):
            other = source if source in ROOMS else room(source)
            # A room within a room is a part of it.
            within = f"{own}.".startswith(f"{other}.") or f"{other}.".startswith(f"{own}.")
            if other in ROOMS and not within:
                above[other].add(own)
    seen: set[str] = set()

    def climb(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in seen:
            for other in sorted(above[name]):
                climb(other, (*path, name))
            seen.add(name)

    for name in ROOMS:
        climb(name, ())


def test_no_name_stands_twice() -> None:
    modules = Counter(
        name.rpartition(".")[2] for name in MODULES if not name.endswith("__init__")
    ) + Counter(name.rpartition(".")[2] for name in ROOMS)
    classes = Counter(
        node.name
        for tree in MODULES.values()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in (modules + classes).items() if count > 1] == []


def test_no_room_is_too_full() -> None:
    sizes = Counter(room(name) for name in MODULES if not name.endswith("__init__"))
    assert {name: size for name, size in sizes.items() if size > 14} == {}


NAMED = re.compile(
    r"`((?:index|assistant|ui|benchmarks|tests|docs)/[\w/.-]*)(?::(\w+(?:\.\w+)*))?`"
)


def test_the_architecture_names_what_is_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = NAMED.findall(text)
    assert len(named) > 60
    for path, name in named:
        place = ROOT / path
        assert place.exists(), path
        for part in name.split(".") if name else ():
            pattern = rf"^\s*(?:class|(?:async )?def) {part}\b|^{part}\b|^    {part}:"
            assert re.search(pattern, place.read_text("utf-8"), re.MULTILINE), (path, name)


def test_the_architecture_tells_of_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    missing = [name for name in ROOMS if f"`{name.replace('.', '/')}/`" not in text]
    assert not missing
