"""`notes check`: reports faults in the notes as text, JSON, SARIF or GitHub annotations."""

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from assistant.settings import read_settings
from index.cpus import usable_cpus
from index.errors import SettingsError
from ui.cli.options import say, says_errors

if TYPE_CHECKING:
    from index.checks.folder import Report
    from index.checks.rules import Finding

FOUND = 1
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


class Format(StrEnum):
    """The output formats of findings."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


Reports = Mapping[str, "Report"]
Named = Sequence[tuple[str, "Finding"]]


@says_errors
def check(
    path: Annotated[Path | None, typer.Argument(help="Folder of notes, or one page.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
    select: Annotated[
        list[str] | None, typer.Option(help="Only these rules; several times, or with commas.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Not these rules; several times, or with commas.")
    ] = None,
) -> None:
    """Find what is broken in the notes. Exit status 0: no error, 1: errors, 2: bad use."""
    from index.checks.folder import check as check_folder
    from index.reading.note_files import chosen

    rules = _rules(select or [], ignore or [])
    settings = read_settings()
    globs = chosen(settings.included, settings.excluded)
    places = [path] if path else list(settings.corpora.values())
    reports = {_shown(place): check_folder(place, rules, globs, usable_cpus()) for place in places}
    _WRITERS[format_](reports)
    if any(report.errors for report in reports.values()):
        raise typer.Exit(FOUND)


def _rules(select: Sequence[str], ignore: Sequence[str]) -> frozenset[str]:
    from index.checks.rules import RULES

    chosen, left = (
        {name.strip() for item in items for name in item.split(",") if name.strip()}
        for items in (select, ignore)
    )
    if unknown := sorted((chosen | left) - RULES.keys()):
        raise SettingsError(f"There is no rule {unknown[0]!r}. The rules: {', '.join(RULES)}")
    if not (rules := (chosen or set(RULES)) - left):
        raise SettingsError("Every rule that is selected is ignored as well: nothing to check.")
    return frozenset(rules)


def _shown(place: Path) -> str:
    """Return the path relative to the current folder if it is inside, else as it is."""
    inside = os.path.relpath(place)
    return place.as_posix() if inside.startswith("..") else Path(inside).as_posix()


def _named(reports: Reports) -> Named:
    """Return the findings, each with the path of its file."""
    return [
        (place if Path(place).is_file() else (Path(place) / finding.path).as_posix(), finding)
        for place, report in reports.items()
        for finding in report.findings
    ]


def summary(reports: Reports) -> str:
    """Return a summary line with the numbers of findings."""
    counts = Counter(f.severity for report in reports.values() for f in report.findings)
    files = sum(report.files for report in reports.values())
    return (
        f"{_count(files, 'file')} checked: "
        f"{_count(counts['error'], 'error')}, {_count(counts['warning'], 'warning')}"
    )


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def write_text(reports: Reports) -> None:
    """Print findings for people, in colours where a terminal shows them."""
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False)
    colours = {"error": "bold red", "warning": "yellow"}
    for path, finding in _named(reports):
        place = f"{path}:{finding.line}" + (f":{finding.column}" if finding.column else "")
        severity = (finding.severity, colours[finding.severity])
        rule = (f"[{finding.rule}]", "dim")
        line = Text.assemble((place, "bold"), ": ", severity, ": ", _visible(finding.message))
        console.print(line + " " + Text.assemble(rule))
        console.print(Text(f"    {_visible(finding.mend)}"))
    console.print(Text(summary(reports)))


def _visible(text: str) -> str:
    """Return the text with control characters escaped, so that they do not reach the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def write_json(reports: Reports) -> None:
    """Print findings for scripts."""
    findings = [
        {
            "path": path,
            "line": finding.line,
            "column": finding.column or None,
            "rule": finding.rule,
            "severity": finding.severity,
            "message": finding.message,
            "mend": finding.mend,
        }
        for path, finding in _named(reports)
    ]
    counts = Counter(finding["severity"] for finding in findings)
    numbers = {
        "files": sum(report.files for report in reports.values()),
        "errors": counts["error"],
        "warnings": counts["warning"],
    }
    print(json.dumps({"findings": findings, "summary": numbers}, ensure_ascii=False, indent=2))


def write_sarif(reports: Reports) -> None:
    """Print findings for code scanning: SARIF 2.1.0."""
    print(json.dumps(sarif(_named(reports)), ensure_ascii=False, indent=2))
    say(summary(reports))


def sarif(named: Named) -> dict[str, Any]:
    """Return the SARIF log of one run; its addresses are relative to the current folder."""
    from index.checks.rules import RULES

    places = {name: number for number, name in enumerate(RULES)}
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.about},
            "defaultConfiguration": {"level": rule.severity},
        }
        for rule in RULES.values()
    ]
    results = [
        {
            "ruleId": finding.rule,
            "ruleIndex": places[finding.rule],
            "level": finding.severity,
            "message": {"text": f"{finding.message} {finding.mend}"},
            "locations": [{"physicalLocation": _location(path, finding)}],
        }
        for path, finding in named
    ]
    driver = {
        "name": "notes check",
        "version": version("notes-assistant"),
        "rules": rules,
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _location(path: str, finding: "Finding") -> dict[str, Any]:
    address = (
        Path(path).as_uri() if Path(path).is_absolute() else quote(path, errors="surrogateescape")
    )
    region = {"startLine": finding.line}
    if finding.column:
        region["startColumn"] = finding.column
    return {"artifactLocation": {"uri": address}, "region": region}


def write_github(reports: Reports) -> None:
    """Print findings as commands of a GitHub workflow, which shows them beside the lines."""
    for path, finding in _named(reports):
        print(annotation(path, finding))
    say(summary(reports))


def annotation(path: str, finding: "Finding") -> str:
    """Return one workflow command."""
    values = {"file": path, "line": finding.line, "col": finding.column, "title": finding.rule}
    properties = ",".join(f"{name}={_property(str(v))}" for name, v in values.items() if v)
    return f"::{finding.severity} {properties}::{_data(f'{finding.message} {finding.mend}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


_WRITERS: dict[Format, Callable[[Reports], None]] = {
    Format.TEXT: write_text,
    Format.JSON: write_json,
    Format.SARIF: write_sarif,
    Format.GITHUB: write_github,
}
