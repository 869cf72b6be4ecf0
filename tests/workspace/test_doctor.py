"""Each fault that an operator meets has one name; a sound home has none."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from safetensors.numpy import save_file

from reco.encoder import bundled
from reco.sources.child import parent
from reco.workspace.doctor import NAMES, diagnose
from tests.support import Home, Ran, edited, python, rows, run_cli


def examined(home: Home) -> Ran:
    return run_cli("doctor", "--json", *home.arguments)


def names(home: Home) -> list[str]:
    done = examined(home)
    findings = done.json["findings"]
    assert done.json["ok"] == (done.code == 0) == all(f["level"] != "error" for f in findings)
    assert all(f["message"] and f["hint"] for f in findings)
    assert {f["name"] for f in findings} <= set(NAMES)
    return [f["name"] for f in findings]


@pytest.fixture(scope="module")
def second_night(first_night: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    shutil.copytree(first_night.folder, folder := tmp_path_factory.mktemp("second_night") / "reco")
    made = Home(folder)
    made.write(edited(rows(), "r01", year="1999"))
    assert made.refresh().published
    return made


@pytest.fixture
def two(second_night: Home, memory: Path) -> Home:
    """A home with two snapshots."""
    shutil.copytree(second_night.folder, memory / "reco")
    return Home(memory / "reco")


def test_a_sound_home_has_nothing(two: Home) -> None:
    done = examined(two)
    assert done.code == 0 and done.json == {"ok": True, "findings": []}
    assert "Nothing is wrong" in run_cli("doctor", *two.arguments).out


def test_a_process_that_cannot_start(two: Home, in_a_child: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(two) == []
    monkeypatch.setattr(parent, "MODULE", "reco.absent")
    assert names(two) == ["source-process"]


def spoil_settings(home: Home) -> None:
    home.config.write_text("[encoder]\nkind = 3\n", encoding="utf-8")


def spoil_toml(home: Home) -> None:
    home.config.write_text("[encoder", encoding="utf-8")


def remove_source(home: Home) -> None:
    (home.folder / "catalogue.csv").unlink()


def name_missing_acronyms(home: Home) -> None:
    home.extra = '[ranking]\nacronyms = "nowhere.csv"\n'
    home.configure()


def name_missing_reranker(home: Home) -> None:
    home.extra = '[ranking]\nrerank = "nowhere"\n'
    home.configure()


def garble_reranker(home: Home) -> None:
    folder = home.folder / "second"
    folder.mkdir()
    (folder / "config.json").write_text(
        '{"architectures": ["BertForSequenceClassification"], "id2label": {"0": ""}}'
    )
    (folder / "model.safetensors").write_bytes(b"\x00garbled")
    home.extra = '[ranking]\nrerank = "second"\n'
    home.configure()


def name_an_encoder_as_reranker(home: Home) -> None:
    garble_reranker(home)
    save_file({"weight": np.zeros(1, dtype=np.float32)}, home.folder / "second" / "model.safetensors")
    (home.folder / "second" / "config.json").write_text('{"architectures": ["BertModel"]}')


def name_missing_model(home: Home) -> None:
    text = home.config.read_text(encoding="utf-8").replace(
        '"hashing-for-tests"', '"folder"\nfolder = "nowhere"'
    )
    home.config.write_text(text, encoding="utf-8")


def remove_home(home: Home) -> None:
    shutil.rmtree(home.path)


def replace_home_by_a_file(home: Home) -> None:
    shutil.rmtree(home.path)
    home.path.write_text("not a folder", encoding="utf-8")


def remove_snapshots(home: Home) -> None:
    shutil.rmtree(home.path / "snapshots")
    (home.path / "CURRENT").unlink()


def leave_a_draft(home: Home) -> None:
    (home.path / "snapshots" / "000003.tmp-12" / "lexical").mkdir(parents=True)


def leave_a_draft_of_the_pointer(home: Home) -> None:
    (home.path / "CURRENT.tmp-12").write_bytes(b"{")


def keep_a_refused_one(home: Home) -> None:
    shutil.copytree(home.path / "snapshots" / "000002", home.path / "snapshots" / "000003.refused")


def remove_pointer(home: Home) -> None:
    (home.path / "CURRENT").unlink()


def spoil_pointer(home: Home) -> None:
    (home.path / "CURRENT").write_bytes(b"000002")


def remove_current(home: Home) -> None:
    shutil.rmtree(home.path / "snapshots" / "000002")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)


def spoil_current(home: Home) -> None:
    flip(home.path / "snapshots" / "000002" / "dense.faiss")


def cut_current(home: Home) -> None:
    path = home.path / "snapshots" / "000002" / "lexical" / "words.rows.npy"
    path.write_bytes(path.read_bytes()[:-3])


def edit_manifest(home: Home) -> None:
    path = home.path / "snapshots" / "000002" / "manifest.json"
    path.write_text(path.read_text("utf-8").replace('"resources": 24', '"resources": 25'), "utf-8")


def alter_seal(home: Home) -> None:
    path = home.path / "snapshots" / "000002" / "manifest.sha256"
    seal = path.read_bytes()
    path.write_bytes((b"1" if seal[:1] == b"0" else b"0") + seal[1:])


def remove_a_file(home: Home) -> None:
    (home.path / "snapshots" / "000002" / "parts.npy").unlink()


def spoil_what_is_carried(home: Home) -> None:
    flip(home.path / "snapshots" / "000002" / "carried.rows.safetensors")


def name_garbled_decisions(home: Home) -> None:
    (home.folder / "decisions.csv").write_text("action,id\nhide,r01\n", "utf-8")
    home.extra = '[curation]\ndecisions = "decisions.csv"\n'
    home.configure()


def name_garbled_cluster_names(home: Home) -> None:
    (home.folder / "names.csv").write_bytes(b"\xff\xfe\x00")
    home.extra = '[clusters]\nnames = "names.csv"\n'
    home.configure()


def name_missing_golden_set(home: Home) -> None:
    home.extra = '[gates]\ngolden = "nowhere"\n'
    home.configure()


def garble_model(home: Home) -> None:
    folder = home.folder / "model"
    folder.mkdir()
    for name in ("config.json", "modules.json", "tokenizer.json", "model.safetensors"):
        (folder / name).write_bytes(b"\x00garbled")
    text = home.config.read_text(encoding="utf-8").replace(
        '"hashing-for-tests"', f'"folder"\nfolder = "{folder}"'
    )
    home.config.write_text(text, encoding="utf-8")


def leave_a_stale_lock(home: Home) -> None:
    """Its holder is dead, so the kernel has let it go: the file itself is no fault."""
    (home.path / ".lock").write_text("4194304", "utf-8")


def spoil_older(home: Home) -> None:
    flip(home.path / "snapshots" / "000001" / "parts.npy")


def change_encoder(home: Home) -> None:
    home.dimension = 32
    home.configure()


def date_pointer_tomorrow(home: Home) -> None:
    tomorrow = time.time() + 86_400
    os.utime(home.path / "CURRENT", (tomorrow, tomorrow))


def date_last_success_tomorrow(home: Home) -> None:
    """A quiet night under a clock that was ahead: only the log says when it was."""
    forget_refreshes_since(home, hours=-24)


def fail_once(home: Home) -> None:
    source = home.folder / "catalogue.csv"
    kept = source.read_bytes()
    source.unlink()
    assert run_cli("refresh", *home.arguments).code == 1
    source.write_bytes(kept)


def forget_refreshes_since(home: Home, hours: float = 40) -> None:
    log = home.path / "refresh.log"
    end = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")
    kept = [{**json.loads(line), "end": end} for line in log.read_text("utf-8").splitlines()]
    log.write_text("".join(json.dumps(line) + "\n" for line in kept), "utf-8")


@pytest.mark.parametrize(
    ("fault", "name", "level", "said"),
    [
        (spoil_settings, "settings", "error", "encoder.kind"),
        (spoil_toml, "settings", "error", "TOML"),
        (remove_source, "source-missing", "error", "catalogue.csv"),
        (name_missing_acronyms, "acronyms", "error", "nowhere.csv"),
        (name_missing_model, "model", "error", "nowhere"),
        (name_missing_reranker, "reranker", "error", "nowhere"),
        (garble_reranker, "reranker", "error", "damaged"),
        (name_an_encoder_as_reranker, "reranker", "error", "is no reranker"),
        (remove_home, "home-missing", "error", "home"),
        (replace_home_by_a_file, "home-not-writable", "error", "home"),
        (remove_snapshots, "no-snapshot", "error", "no snapshot"),
        (leave_a_draft, "leftover-drafts", "warning", "000003.tmp-12"),
        (leave_a_draft_of_the_pointer, "leftover-drafts", "warning", "CURRENT.tmp-12"),
        (keep_a_refused_one, "refused-snapshot", "warning", "000003.refused"),
        (remove_pointer, "current-missing", "error", "CURRENT"),
        (spoil_pointer, "current-unreadable", "error", "CURRENT"),
        (remove_current, "current-names-nothing", "error", "000002"),
        (spoil_current, "snapshot-damaged", "error", "dense.faiss"),
        (cut_current, "snapshot-damaged", "error", "words.rows.npy"),
        (edit_manifest, "snapshot-damaged", "error", "manifest.json"),
        (alter_seal, "snapshot-damaged", "error", "manifest.sha256"),
        (remove_a_file, "snapshot-damaged", "error", "parts.npy"),
        (spoil_what_is_carried, "snapshot-damaged", "error", "carried.rows"),
        (name_garbled_decisions, "decisions", "error", "decisions.csv"),
        (name_garbled_cluster_names, "cluster-names", "error", "names.csv"),
        (name_missing_golden_set, "golden", "error", "nowhere"),
        (garble_model, "model", "error", "model"),
        (spoil_older, "older-snapshot-damaged", "warning", "000001: parts.npy"),
        (change_encoder, "encoder-changed", "error", "000002"),
        (date_pointer_tomorrow, "clock", "error", "in the future"),
        (date_last_success_tomorrow, "clock", "error", "in the future"),
        (forget_refreshes_since, "stale", "error", "40 hours"),
        (fail_once, "last-refresh-failed", "warning", "catalogue.csv"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_fault_has_one_name(
    two: Home, fault: Callable[[Home], None], name: str, level: str, said: str
) -> None:
    fault(two)
    assert names(two) == [name]
    (finding,) = examined(two).json["findings"]
    assert finding["level"] == level and said in finding["message"]
    assert name in run_cli("doctor", *two.arguments).out


def test_a_refresh_that_runs_is_no_fault(two: Home) -> None:
    leave_a_draft(two)
    with FileLock(two.path / ".lock"):
        assert names(two) == ["lock-held"]
    assert names(two) == ["leftover-drafts"]


def test_the_lock_of_a_dead_process_is_no_fault(two: Home) -> None:
    leave_a_stale_lock(two)
    assert names(two) == []
    assert run_cli("refresh", *two.arguments).code == 0


def test_to_look_for_the_lock_keeps_nobody_from_it(two: Home) -> None:
    assert names(two) == []
    with FileLock(two.path / ".lock", timeout=0):
        pass


def test_what_a_refresh_mends_is_found_no_more(two: Home) -> None:
    leave_a_draft(two)
    spoil_pointer(two)
    assert names(two) == ["leftover-drafts", "current-unreadable"]
    assert run_cli("refresh", *two.arguments).code == 0
    assert names(two) == []


def test_a_snapshot_from_the_future(two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes back a day makes everything it wrote come from the future."""

    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(UTC) - timedelta(days=1)

    monkeypatch.setattr("reco.workspace.doctor.datetime", Yesterday)
    assert names(two) == ["clock"]


def test_too_little_room(two: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = two.path / "snapshots" / "000002"
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    usage = shutil.disk_usage(two.path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3 * size))
    assert names(two) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=3 * size - 1))
    assert names(two) == ["disk-space"]


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Be a user whom permissions concern: root is refused nothing."""
    if sys.platform == "win32" or not hasattr(os, "seteuid"):
        pytest.skip("this system has no users to become")
    mine = os.geteuid()
    for place in (folder, *folder.parents[:-3]):
        place.chmod(0o755)
    if mine == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(mine)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "snapshots",
        "snapshots/000001",
        "snapshots/000001/lexical",
        "snapshots/000003.refused",
        "journal",
        "journal/encoded",
        "projects",
        "projects/answers",
        ".lock",
        "CURRENT",
        "refresh.log",
    ],
)
def test_a_home_that_another_user_owns(two: Home, name: str) -> None:
    """Often a refresh run once as root: the home stays the user's, one file in it does not.

    An old snapshot that cannot be removed stops every refresh some nights later.
    """
    for folder in ("journal", "projects/answers", "snapshots/000003.refused"):
        (two.path / folder).mkdir(parents=True)
    (two.path / "journal" / "encoded").write_bytes(b"")
    diagnose(two.config, two.path)  # what is imported late is imported by who may read it
    mine = [two.path, *two.path.rglob("*")]
    if os.geteuid() == 0:
        for path in mine:
            os.chown(path, 65534, 65534)
        os.chown(two.path / name, 0, 0)
    (two.path / name).chmod(0o555 if (two.path / name).is_dir() else 0o444)
    with as_nobody(two.path):
        found = diagnose(two.config, two.path)
    (two.path / name).chmod(0o755)
    assert [finding.name for finding in found.findings] == ["home-not-writable"]
    assert str(two.path / name) in found.findings[0].message


def test_the_user_who_owns_a_home_has_nothing_to_fear(two: Home) -> None:
    for path in [two.path, *two.path.rglob("*")]:
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
    with as_nobody(two.path):
        assert diagnose(two.config, two.path).findings == ()


@pytest.fixture
def with_model(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home never refreshed whose settings name the bundled model, and the folder of its cache."""
    home.config.write_text('[[sources]]\nname = "main"\nkind = "csv"\npath = "catalogue.csv"\n', "utf-8")
    monkeypatch.setenv("RECO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_bundled_model_that_is_not_installed(
    home: Home, with_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundled, "_package_files", lambda: [])
    assert names(home) == ["model", "home-missing"]
    assert not with_model.exists(), "to look is not to make"


def test_weights_that_are_not_the_expected_ones(
    home: Home, with_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    altered = tmp_path / bundled.WEIGHTS
    altered.write_bytes(b"E5S1, and then something else")
    monkeypatch.setattr(bundled, "_package_files", lambda: [altered])
    assert names(home) == ["model", "home-missing"]
    assert "not the expected ones" in examined(home).json["findings"][0]["message"]


def test_a_prepared_model_that_was_cut_short(
    home: Home, with_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np
    from safetensors.numpy import save

    monkeypatch.setattr(bundled, "_package_files", lambda: [])
    folder = bundled._target()
    folder.mkdir(parents=True)
    for name in ("config.json", "modules.json", "tokenizer.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    data = save({"weight": np.ones((30, 30), dtype=np.float32)})
    (folder / "model.safetensors").write_bytes(data)
    assert names(home) == ["home-missing"], "a folder once prepared needs its package no more"
    (folder / "model.safetensors").write_bytes(data[:-10])
    assert names(home) == ["model", "home-missing"]
    (folder / "model.safetensors").write_bytes(data)
    (folder / "tokenizer.json").unlink()
    assert names(home) == ["model", "home-missing"]


def test_no_model_is_loaded(two: Home) -> None:
    code = (
        "import sys\nfrom reco.cli.main import main\nfrom reco.encoder.settings import EncoderSettings, fingerprint_of\n"
        f"try:\n    main(['doctor', '--json', *{list(two.arguments)!r}])\nexcept SystemExit as done:\n    assert not done.code\n"
        "assert fingerprint_of(EncoderSettings())\n"
        "assert not {'torch', 'streamlit', 'sentence_transformers'} & set(sys.modules)"
    )
    done = python("-c", code)
    assert done.code == 0, done.err


def test_a_home_that_is_closed_to_its_reader(two: Home) -> None:
    """Its folder is another's alone: even what it holds cannot be told, and every command says so."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to another user")
    two.path.chmod(0o700)
    with as_nobody(two.folder):
        done = run_cli("doctor", "--json", *two.arguments)
        told = [run_cli(command, *two.arguments) for command in ("status", "check", "snapshots", "prune")]
    two.path.chmod(0o755)
    assert [finding["name"] for finding in done.json["findings"]] == ["home-not-readable"] and done.code == 1
    assert all(one.code == 1 and "Permission denied" in one.err for one in told), told
    assert all("reco doctor" in one.err for one in told)


def test_no_command_makes_a_home_where_none_is(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for command in ("rollback", "prune", "check"):
        done = run_cli(command, *home.arguments)
        assert done.code == 1 and "no snapshot" in done.err and "reco refresh" in done.err
    assert not home.path.exists()
