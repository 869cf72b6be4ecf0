"""What `deploy/` installs exists: each unit is well formed, each command, option and variable is ours."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from reco.cli.main import app
from tests.support import REPOSITORY, Home, run_process

DEPLOY = REPOSITORY / "deploy"
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")])
RECO = re.compile(r"(?:/opt/reco/)?\.venv/bin/reco ([^|>&#\n]*)")
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def commands() -> Iterator[tuple[str, str]]:
    """Every call of our command line: in units, in the crontab, in the schedule, in the documentation."""
    for path in [*DEPLOY.iterdir(), REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        found = RECO.findall(text)
        if path.suffix == ".md":
            found += re.findall(r"^    reco ([^#\n]*)", text, re.MULTILINE)
        yield from ((path.name, line.split("`")[0].strip()) for line in found)


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that the words name, and what follows it."""
    found: Any = typer.main.get_command(app)
    while hasattr(found, "commands") and words and not words[0].startswith("-"):
        assert words[0] in found.commands, words[0]
        found, words = found.commands[words[0]], words[1:]
    return found, words


@pytest.mark.parametrize(("where", "line"), sorted(set(commands())), ids=lambda value: value[:50])
def test_every_command_that_is_written_down_exists(where: str, line: str) -> None:
    command, rest = command_of(shlex.split(re.sub(r"[\[\]]|\.\.\.|< .*", "", line)))
    options = {name for parameter in command.params for name in parameter.opts}
    for word in rest:
        assert not word.startswith("-") or word == "-" or word in options, f"{where}: {line}"


def test_the_deployment_calls_something() -> None:
    called = {(where, line.split()[0]) for where, line in commands()}
    wanted = {
        ("reco-refresh.service", "refresh"),
        ("reco-app.service", "app"),
        ("crontab", "refresh"),
        ("ci-schedule.yml", "refresh"),
    }
    assert wanted <= called


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path, encoding="utf-8")
    return parser


def variables(text: str) -> set[str]:
    return set(re.findall(r"\b(RECO_[A-Z_]+|OMP_[A-Z_]+)\b", text))


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda p: p.name)
def test_every_variable_is_one_that_we_read(path: Path) -> None:
    sources = "".join(p.read_text("utf-8") for p in (REPOSITORY / "src").rglob("*.py"))
    assert variables(path.read_text(encoding="utf-8")) <= variables(sources)


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name)
def test_documentation_of_a_unit_exists(path: Path) -> None:
    address = unit(path)["Unit"]["Documentation"]
    assert (REPOSITORY / address.removeprefix("file:///opt/reco/")).is_file()


def test_who_gives_way_is_no_failure_and_a_refusal_is(served: Home) -> None:
    """The unit's codes are those that our command line gives."""
    success = unit(DEPLOY / "reco-refresh.service")["Service"]["SuccessExitStatus"].split()
    with served.store.writing():
        busy = run_process("refresh", *served.arguments)
    assert [str(busy.code)] == success == ["3"]


def test_the_timer_starts_the_service_that_is_there() -> None:
    timer = DEPLOY / "reco-refresh.timer"
    assert timer.with_suffix(".service").is_file()
    assert unit(timer)["Timer"]["Persistent"] == "true"


@pytest.fixture
def installed(tmp_path: Path) -> list[str]:
    """The units with paths and a user that this machine has."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine")
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace("/opt/reco/.venv/bin/reco", "/bin/true")
        text = re.sub(r"^(User|Group)=reco", r"\1=daemon", text, flags=re.MULTILINE)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    return [str(tmp_path / path.name) for path in UNITS]


def test_systemd_takes_the_units(installed: list[str]) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *installed], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    broken = Path(installed[1])
    broken.write_text(
        broken.read_text("utf-8").replace("ProtectSystem=strict", "ProtectSistem=strict"), "utf-8"
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(broken)], capture_output=True, text=True, check=False
    )
    assert "ProtectSistem" in done.stderr, "verify would say nothing whatever we wrote"


def test_the_services_are_closed(installed: list[str]) -> None:
    for path in (p for p in installed if p.endswith(".service")):
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=25", path],
            capture_output=True,
            text=True,
            check=False,
        )
        if "unrecognized option" in done.stderr:
            pytest.skip("this systemd-analyze cannot judge a unit that is not loaded")
        assert done.returncode == 0, done.stdout[-300:]


def fields(expression: str) -> Iterator[tuple[list[int], int, int]]:
    """Read the five fields of a schedule: the numbers of each, and its bounds."""
    parts = expression.split()
    assert len(parts) == 5, expression
    for part, (low, high) in zip(parts, RANGES, strict=True):
        assert re.fullmatch(r"(\*|\d+(-\d+)?)(/\d+)?(,(\*|\d+(-\d+)?)(/\d+)?)*", part), part
        yield [int(n) for n in re.findall(r"\d+", part)], low, high


def test_the_crontab_reads() -> None:
    lines = (DEPLOY / "crontab").read_text(encoding="utf-8").splitlines()
    jobs = [line for line in lines if line and not line.startswith("#") and not re.match(r"[A-Z_]+=", line)]
    assert len(jobs) == 2
    for job in jobs:
        *_, command = job.split(maxsplit=5)
        for numbers, low, high in fields(job.removesuffix(command)):
            assert all(low <= number <= high for number in numbers), job
        assert "%" not in command, "cron reads it as the end of the line"
    assert lines[-1] and (DEPLOY / "crontab").read_bytes().endswith(b"\n"), (
        "cron ignores a last line without end"
    )


def test_the_schedule_reads() -> None:
    found: dict[Any, Any] = yaml.safe_load((DEPLOY / "ci-schedule.yml").read_text(encoding="utf-8"))
    # YAML 1.1 reads `on` as true.
    for schedule in found[True]["schedule"]:
        for numbers, low, high in fields(schedule["cron"]):
            assert all(low <= number <= high for number in numbers)
    steps = found["jobs"]["refresh"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert re.search(f"^{runs[0].removeprefix('make ')}:", makefile, re.MULTILINE)
    assert found["permissions"] == {"contents": "read"}
