"""Sources that are not read whole every night give the catalogue of a source that is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from reco.catalogue import identifiers
from reco.catalogue.admission import Rules, admit
from reco.catalogue.catalogue import Catalogue
from reco.catalogue.curation import Curation
from reco.catalogue.decisions import Decisions
from reco.catalogue.resource import Record, Resource
from reco.errors import StorageError
from reco.refresh import held
from reco.refresh.collect import Collected, collect
from reco.refresh.readings import row_of
from reco.snapshots.snapshot import Snapshot
from reco.sources import remote
from reco.sources.config import SourceConfig
from reco.storage import atomic
from reco.storage.signed_csv import SIGNATURE
from tests.support import Home, files_under, resource

FIRST = date(2026, 3, 1)


@dataclass
class Nights:
    """Nights of one source, without encoding: each collects, and holds what a refresh would hold.

    The sources `earlier` are read before it, `later` after it.
    """

    home: Path
    source: SourceConfig
    today: date = FIRST
    served: Snapshot | None = None
    curation: Curation = field(default_factory=Curation)
    earlier: Sequence[SourceConfig] = ()
    later: Sequence[SourceConfig] = ()

    def night(self, days: int = 1, refused: bool = False) -> Collected:
        """Collect `days` later. A snapshot that the gates refuse is not served."""
        self.today += timedelta(days=days)
        sources = [*self.earlier, self.source, *self.later]
        found = collect(sources, self.served, self.home / "cache", self.curation, None, self.home, self.today)
        if not found.failures:
            for name, rows in found.held.items():
                held.save(self.home, name, rows)
        identifiers.save(self.home, found.ids)
        if not refused:
            # Only the catalogue of the served snapshot matters here; vectors would take most of the time.
            self.served = cast(Snapshot, SimpleNamespace(catalogue=Catalogue(found.resources)))
        return found

    def titles(self, days: int = 1) -> list[str]:
        found = self.night(days)
        assert not found.failures
        return titles(found.resources)

    def set(self, **options: Any) -> None:
        self.source = SourceConfig.model_validate({**self.source.model_dump(exclude_unset=True), **options})


def titles(resources: Sequence[Resource]) -> list[str]:
    return sorted(resource.title for resource in resources)


def show(home: Path, rows: Mapping[str, str], name: str = "feed") -> None:
    """Write what a source shows: titles by id. A row without a title is refused."""
    shown = [{"id": key, "title": title, "summary": "Un résumé."} for key, title in rows.items()]
    (home / f"{name}.json").write_text(json.dumps(shown), "utf-8")


def table(home: Path) -> SourceConfig:
    """Another source, of which nothing is held."""
    return SourceConfig.model_validate({"name": "table", "kind": "json", "path": home / "table.json"})


def window(home: Path, keep: object = "forever") -> Nights:
    known = {"name": "feed", "kind": "json", "path": home / "feed.json", "keep": keep, "reject_limit": 1}
    return Nights(home, SourceConfig.model_validate(known))


def test_what_left_the_window_is_kept(tmp_path: Path) -> None:
    nights = window(tmp_path)
    for rows in ({"a": "A", "b": "B"}, {"b": "B2", "c": "C"}, {"d": "D"}):
        show(tmp_path, rows)
        found = nights.titles()
    assert found == ["A", "B2", "C", "D"]


def test_without_keep_it_is_not(tmp_path: Path) -> None:
    nights = window(tmp_path, None)
    for rows in ({"a": "A"}, {"b": "B"}):
        show(tmp_path, rows)
        found = nights.titles()
    assert found == ["B"] and not (tmp_path / "held").exists()


def test_days_count_from_the_night_that_a_row_was_last_seen(tmp_path: Path) -> None:
    nights = window(tmp_path, 10)
    show(tmp_path, {"a": "A", "b": "B"})
    nights.titles()
    assert nights.titles(days=20) == ["A", "B"], "a row that is shown never expires"
    show(tmp_path, {"b": "B"})
    assert nights.titles(days=10) == ["A", "B"]
    assert nights.titles(days=1) == ["B"]
    nights.set(keep="forever")
    assert nights.titles() == ["B"], "it had left the catalogue"


def test_rows_that_were_served_before_keep_was_set_are_kept(tmp_path: Path) -> None:
    nights = window(tmp_path, None)
    show(tmp_path, {"a": "A &amp;lt;5 ans&amp;gt;", "b": "B"})
    before = nights.night().resources
    nights.set(keep=10)
    show(tmp_path, {"b": "B"})
    assert set(nights.night(days=50).resources) == set(before), "the ten days start now"
    assert nights.titles(days=10) == titles(before)
    assert nights.titles(days=1) == ["B"]


@pytest.mark.parametrize("damage", [None, b"", b"{}\n", b"[]", b"cut"])
def test_a_lost_file_loses_no_row(tmp_path: Path, damage: bytes | None) -> None:
    nights = window(tmp_path)
    for rows in ({"a": "A"}, {"b": "B"}):
        show(tmp_path, rows)
        nights.night()
    (file,) = (tmp_path / "held").iterdir()
    whole = file.read_bytes()
    file.unlink() if damage is None else file.write_bytes(whole[:-5] if damage == b"cut" else damage)
    show(tmp_path, {"c": "C"})
    assert nights.titles() == ["A", "B", "C"]
    assert nights.titles() == ["A", "B", "C"]


def test_a_rollback_loses_no_row(tmp_path: Path) -> None:
    nights = window(tmp_path)
    show(tmp_path, {"a": "A"})
    nights.night()
    old = nights.served
    show(tmp_path, {"b": "B"})
    nights.night()
    nights.served = old
    show(tmp_path, {"c": "C"})
    assert nights.titles() == ["A", "B", "C"]


def test_a_refused_row_does_not_come_back(tmp_path: Path) -> None:
    nights = window(tmp_path)
    show(tmp_path, {"a": "A", "b": "B"})
    nights.night()
    show(tmp_path, {"a": "", "b": "B"})
    nights.night(refused=True)
    show(tmp_path, {"b": "B"})
    assert nights.titles() == ["B"]
    show(tmp_path, {"a": "A2", "b": "B"})
    assert nights.titles() == ["A2", "B"]
    show(tmp_path, {"b": "B"})
    assert nights.titles() == ["A2", "B"]


def test_a_hidden_row_stays_hidden_until_the_curator_shows_it(tmp_path: Path) -> None:
    nights = window(tmp_path)
    show(tmp_path, {"a": "A", "b": "B"})
    nights.night()
    file = tmp_path / "decisions.csv"
    columns = ("action", "id", "field", "value", "expects", *SIGNATURE)
    hide = ("hide", "a", "", "", "", "Léa", "2026-03-01", "doublon")
    file.write_text(f"{','.join(columns)}\n{','.join(hide)}\n", "utf-8")
    nights.curation = Curation(Decisions.read(file))
    show(tmp_path, {"b": "B"})
    for _ in range(2):
        found = nights.night()
        assert titles(found.resources) == ["B"] and found.stale == ()
    nights.curation = Curation()
    assert nights.titles() == ["A", "B"]


def test_a_correction_of_a_kept_row_still_applies(tmp_path: Path) -> None:
    nights = window(tmp_path)
    show(tmp_path, {"a": "A", "b": "B"})
    nights.night()
    show(tmp_path, {"b": "B"})
    file = tmp_path / "decisions.csv"
    columns = ("action", "id", "field", "value", "expects", *SIGNATURE)
    correct = ("correct", "a", "title", "A corrigé", "A", "Léa", "2026-03-01", "coquille")
    file.write_text(f"{','.join(columns)}\n{','.join(correct)}\n", "utf-8")
    nights.curation = Curation(Decisions.read(file))
    for _ in range(2):
        found = nights.night()
        assert titles(found.resources) == ["A corrigé", "B"] and found.stale == ()
    nights.curation = Curation()
    assert nights.titles() == ["A", "B"]


def test_a_kept_row_stays_when_another_source_shows_its_id(tmp_path: Path) -> None:
    nights = window(tmp_path)
    nights.later = [table(tmp_path)]
    show(tmp_path, {key: f"gardé {key}" for key in "123"})
    show(tmp_path, {"8": "8", "9": "9"}, "table")
    nights.titles()
    show(tmp_path, {"1": "1"})
    show(tmp_path, {key: key for key in "2389"}, "table")
    found = nights.night()
    served = {"1": "1", "2": "gardé 2", "3": "gardé 3", "table:2": "2", "table:3": "3", "8": "8", "9": "9"}
    assert {r.id: r.title for r in found.resources} == served
    show(tmp_path, {"8": "8", "9": "9"}, "table")
    assert nights.titles() == ["1", "8", "9", "gardé 2", "gardé 3"]


def test_a_window_keeps_what_is_told_apart(tmp_path: Path) -> None:
    nights = window(tmp_path)
    nights.earlier = [table(tmp_path)]
    show(tmp_path, {"x": "X ailleurs"}, "table")
    nights.night()
    show(tmp_path, {"x": "X", "y": "Y"})
    nights.night()
    for shown in ({"y": "Y"}, {"x": "X2"}, {"z": "Z"}):
        show(tmp_path, shown)
        found = nights.night()
        assert found.rejections == ()
    assert {r.id: r.title for r in found.resources} == {"x": "X ailleurs", "feed:x": "X2", "y": "Y", "z": "Z"}
    nights.home.joinpath("held", "feed.jsonl").unlink()
    assert {r.id for r in nights.night().resources} == {"x", "feed:x", "y", "z"}


def test_a_source_that_fails_without_a_snapshot_has_its_held_rows(tmp_path: Path) -> None:
    nights = window(tmp_path)
    nights.later = [table(tmp_path)]
    show(tmp_path, {"8": "8"}, "table")
    for rows in ({"a": "A", "b": "B"}, {"b": "B2", "c": "C"}):
        show(tmp_path, rows)
        nights.titles()
    (tmp_path / "feed.json").write_text("<html>", "utf-8")
    show(tmp_path, {"8": "8", "c": "C ailleurs"}, "table")
    nights.served = None
    found = nights.night()
    assert list(found.failures) == ["feed"]
    assert titles(found.resources) == ["8", "A", "B2", "C", "C ailleurs"]
    show(tmp_path, {"8": "8"}, "table")
    assert titles(nights.night().resources) == ["8", "A", "B2", "C"], "the served snapshot decides again"


def test_a_file_of_no_source_is_named(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    home.refresh()
    assert "no source is named" not in caplog.text
    held.save(home.path, "ancien.nom", held.Held())
    identifiers.save(home.path, identifiers.Ids({("renommée", "1"): "1"}))
    home.refresh()
    assert "no source is named 'ancien.nom'" in caplog.text
    assert str(home.path / "held" / "ancien.nom.jsonl") in caplog.text
    assert (
        f"no source is named 'renommée': if it was renamed, rename it in {home.path / 'ids.jsonl'}"
        in caplog.text
    )


def test_a_refresh_holds_rows_between_nights(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.extra = '[[sources]]\nname = "feed"\nkind = "json"\npath = "feed.json"\nkeep = "forever"\n'
    home.configure()
    for rows in ({"a": "Alpha"}, {"b": "Bravo"}):
        show(home.folder, rows)
        assert home.refresh().published
    served = {r.title for r in home.store.open().catalogue if r.source == "feed"}
    assert served == {"Alpha", "Bravo"}
    assert home.refresh().published is False, "a night without news is quiet"
    before = files_under(home.path / "held")

    def full(name: str, path: Path) -> None:
        if "held" in path.parts:
            raise OSError(28, "No space left on device")

    show(home.folder, {"c": "Charlie"})
    monkeypatch.setattr(atomic, "operation", full)
    with pytest.raises(StorageError, match="No space left"):
        home.refresh()
    assert files_under(home.path / "held") == before and len(home.store.ids()) == 2


SHOWN = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["", "un", "deux"]), max_size=4)
EVENTS = st.sampled_from(["read", "read", "read", "fails", "refused", "rolled back"])


@settings(max_examples=20)
@given(st.lists(st.tuples(SHOWN, EVENTS, st.integers(1, 4)), max_size=8), st.sampled_from(["forever", 3]))
def test_a_window_gives_all_that_it_ever_showed(
    story: list[tuple[dict[str, str], str, int]], keep: object
) -> None:
    """Whatever fails, is refused by the gates or is rolled back in between."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        nights = window(home, keep)
        shown: dict[str, tuple[str, date]] = {}
        states: list[Snapshot | None] = [None]
        for rows, event, days in story:
            show(home, {"z": "toujours", **rows})
            if event == "rolled back":
                nights.served = states[len(states) // 2]
            if event == "fails":
                (home / "feed.json").write_text("<html>", "utf-8")
            found = nights.night(days, refused=event == "refused")
            if event == "fails":
                assert found.failures
                continue
            for key, title in {"z": "toujours", **rows}.items():
                shown.pop(key, None)
                if title:
                    shown[key] = (title, nights.today)
            if isinstance(keep, int):
                shown = {k: v for k, v in shown.items() if (nights.today - v[1]).days <= keep}
            assert {r.id: r.title for r in found.resources} == {k: title for k, (title, _) in shown.items()}
            states.append(nights.served)


@dataclass
class Repository:
    """An OAI-PMH repository, and the requests that it got. `page` is the number of records on a page."""

    today: date = FIRST
    records: dict[str, tuple[date, str | None]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    selective: bool = True
    tells_deletions: bool = True
    page: int = 2
    answer: Callable[[Request], Response | None] = lambda request: None

    def set(self, key: str, title: str | None) -> None:
        """Add, change or delete (None) a record today."""
        if title is None and not self.tells_deletions:
            self.records.pop(key, None)
        elif title is not None or key in self.records:
            self.records[key] = (self.today, title)

    def handle(self, request: Request) -> Response:
        self.asked.append(dict(request.args))
        if (other := self.answer(request)) is not None:
            return other
        since, start = request.args.get("from", ""), 0
        if "resumptionToken" in request.args:
            since, rank = request.args["resumptionToken"].split("/")
            start = int(rank)
        if since and not self.selective:
            return self.document('<error code="badArgument">no from</error>')
        listed = [(k, t) for k, (day, t) in sorted(self.records.items()) if str(day) >= since]
        if not listed:
            return self.document('<error code="noRecordsMatch"/>')
        token = f"{since}/{end}" if (end := start + self.page) < len(listed) else ""
        records = "".join(map(self.record, listed[start:end]))
        return self.document(
            f"<ListRecords>{records}<resumptionToken>{token}</resumptionToken></ListRecords>"
        )

    def document(self, body: str) -> Response:
        answered = f"<responseDate>{self.today}T12:00:00Z</responseDate>"
        return Response(f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{answered}{body}</OAI-PMH>')

    @staticmethod
    def record(listed: tuple[str, str | None]) -> str:
        key, title = listed
        if title is None:
            return f'<record><header status="deleted"><identifier>{key}</identifier></header></record>'
        metadata = f"<metadata><dc><title>{title}</title><description>Résumé</description></dc></metadata>"
        return f"<record><header><identifier>{key}</identifier></header>{metadata}</record>"


@pytest.fixture
def repository(httpserver: HTTPServer) -> Repository:
    made = Repository()
    httpserver.expect_request("/oai").respond_with_handler(made.handle)
    return made


@pytest.fixture
def nights(httpserver: HTTPServer, tmp_path: Path) -> Nights:
    known = {"name": "depot", "kind": "oai", "allow_private": True, "retries": 0}
    source = SourceConfig.model_validate({**known, "url": httpserver.url_for("/oai")})
    return Nights(tmp_path, source)


def night(nights: Nights, repository: Repository, days: int = 1) -> tuple[list[str], str]:
    """The titles of the next night, and the date from which it asked."""
    repository.today = nights.today + timedelta(days=days)
    repository.asked.clear()
    found = nights.titles(days)
    return found, repository.asked[-1].get("from", "")


def test_a_night_asks_only_for_what_changed(nights: Nights, repository: Repository) -> None:
    for key in "abc":
        repository.set(key, key.upper())
    assert night(nights, repository, 5) == (["A", "B", "C"], "")
    assert repository.asked[-1]["resumptionToken"]
    repository.today += timedelta(days=2)
    repository.set("a", None)
    repository.set("c", "C2")
    assert night(nights, repository, 3) == (["B", "C2"], "2026-03-05")
    assert night(nights, repository) == (["B", "C2"], "2026-03-08")
    assert night(nights, repository, 4) == (["B", "C2"], "2026-03-09"), "noRecordsMatch: nothing changed"
    assert len(repository.asked) == 1


def test_a_whole_harvest_comes_at_intervals(nights: Nights, repository: Repository) -> None:
    nights.set(harvest_days=7)
    repository.tells_deletions = False
    for key in "abc":
        repository.set(key, key.upper())
    night(nights, repository)
    repository.set("a", None)
    assert night(nights, repository, 6)[0] == ["A", "B", "C"], "the repository does not tell"
    found, asked = night(nights, repository, 1)
    assert (found, asked) == (["B", "C"], "")


@pytest.mark.parametrize(
    "options", [{"set": "guides"}, {"fields": {"summary": "title"}}, {"harvest_days": 0}]
)
def test_other_settings_ask_for_everything(
    nights: Nights, repository: Repository, options: dict[str, Any]
) -> None:
    repository.set("a", "A")
    night(nights, repository)
    assert night(nights, repository)[1]
    nights.set(**options)
    assert night(nights, repository)[1] == ""


def test_a_repository_that_cannot_select_is_read_whole(nights: Nights, repository: Repository) -> None:
    repository.selective = False
    repository.set("a", "A")
    night(nights, repository)
    repository.set("b", "B")
    assert night(nights, repository, 5)[0] == ["A", "B"]
    assert ["from" in asked for asked in repository.asked] == [True, False]


def test_a_wrong_clock_hides_nothing(nights: Nights, repository: Repository) -> None:
    repository.set("a", "A")
    repository.answer = lambda request: setattr(repository, "today", date(2099, 1, 1))
    night(nights, repository)
    assert night(nights, repository)[1] == "2026-03-01"
    repository.answer = lambda request: setattr(repository, "today", nights.today - timedelta(days=9))
    night(nights, repository)
    assert night(nights, repository)[1] == "2026-02-22", "its clock is nine days late, so are its dates"
    nights.today = FIRST - timedelta(days=300)
    assert night(nights, repository)[1] == "", "our own clock was put back"


FAULTS: Mapping[str, tuple[Response, str]] = {
    "forbidden": (Response("no", status=403), "answers 403"),
    "token": (Response("expired", status=401), "answers 401"),
    "busy": (Response("wait", status=429, headers={"Retry-After": "3600"}), "answers 429"),
    "html": (Response("<!DOCTYPE html><html><p>Maintenance</p></html>"), "web page"),
    "cut": (Response("<OAI-PMH><ListRec"), "not XML"),
}


@pytest.mark.parametrize(("answer", "said"), FAULTS.values(), ids=FAULTS)
def test_a_night_that_fails_changes_nothing(
    nights: Nights, repository: Repository, answer: Response, said: str
) -> None:
    for key in "abcd":
        repository.set(key, key.upper())
    night(nights, repository)
    before = files_under(nights.home / "held")
    repository.today = nights.today + timedelta(days=1)
    for key in "abc":
        repository.set(key, f"{key} de plus")
    repository.answer = lambda request: answer if "resumptionToken" in request.args else None
    found = nights.night()
    assert said in found.failures["depot"]
    assert titles(found.resources) == ["A", "B", "C", "D"]
    assert files_under(nights.home / "held") == before
    repository.answer = lambda request: None
    found_titles, asked = night(nights, repository, 5)
    assert found_titles == ["D", "a de plus", "b de plus", "c de plus"]
    assert asked == "" and repository.asked[0]["from"] == "2026-03-01"


@pytest.mark.parametrize(
    ("answer", "said"), [FAULTS[name] for name in ("forbidden", "token", "busy", "html")]
)
def test_a_feed_that_fails_keeps_its_rows(
    httpserver: HTTPServer, tmp_path: Path, answer: Response, said: str
) -> None:
    entry = "<item><title>{0}</title><guid>{0}</guid><description>Texte</description></item>"
    feed = '<rss version="2.0"><channel>{}</channel></rss>'
    known = {"name": "feed", "kind": "rss", "allow_private": True, "retries": 0, "keep": 30}
    nights = Nights(tmp_path, SourceConfig.model_validate({**known, "url": httpserver.url_for("/f")}))
    for answered in (*(Response(feed.format(entry.format(name))) for name in "AB"), answer):
        httpserver.clear()
        httpserver.expect_request("/f").respond_with_response(answered)
        found = nights.night()
    assert said in found.failures["feed"]
    assert titles(found.resources) == ["A", "B"]


def test_a_refused_token_keeps_the_rows(
    nights: Nights, repository: Repository, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLE", "cle-secrete")
    repository.set("a", "A")
    token = {"url": httpserver.url_for("/jeton"), "header": "X-KEY", "value": "env:CLE"}
    nights.set(token=token)
    httpserver.expect_request("/jeton").respond_with_json({"token": "jeton-secret"})
    assert night(nights, repository)[0] == ["A"]
    repository.answer = lambda request: Response("expired", status=401)
    found = nights.night()
    assert "answers 401: it refuses our key or token" in found.failures["depot"]
    assert "CLE" in found.failures["depot"] and "secret" not in found.failures["depot"]
    assert titles(found.resources) == ["A"]


def test_deletions_and_rows_survive_a_rollback(nights: Nights, repository: Repository) -> None:
    for key in "ab":
        repository.set(key, key.upper())
    night(nights, repository, 3)
    old = nights.served
    repository.today += timedelta(days=2)
    repository.set("a", None)
    repository.set("c", "C")
    night(nights, repository, 2)
    nights.served = old
    assert night(nights, repository, 5) == (["B", "C"], "2026-03-05")


@pytest.mark.parametrize("keep", ["forever", 9])
def test_a_window_does_not_use_what_a_repository_left(
    nights: Nights, repository: Repository, keep: object
) -> None:
    for key in "ab":
        repository.set(key, key.upper())
    night(nights, repository)
    nights.source = window(nights.home, None).source.model_copy(update={"name": "depot"})
    show(nights.home, {"c": "C"})
    assert nights.titles() == ["C"]
    nights.set(keep=keep)
    assert nights.titles() == ["C"]
    show(nights.home, {"d": "D"})
    assert nights.titles() == ["C", "D"]


def test_a_repository_that_fails_without_a_snapshot_has_its_held_rows(
    nights: Nights, repository: Repository
) -> None:
    repository.set("a", "A")
    night(nights, repository)
    nights.served = None
    repository.answer = lambda request: Response(status=503)
    found = nights.night()
    assert found.failures and titles(found.resources) == ["A"]
    nights.set(set="guides")
    nights.served = None
    assert nights.night().resources == (), "they are rows of another set"


@pytest.mark.parametrize("name", ["gone", "asked", "since", "whole"])
def test_a_damaged_head_is_not_used(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    kept = {"a": held.HeldRow(Record("depot", "a", {"title": "A"}))}
    made = held.Held(kept, {"b": "2026-03-01"}, "digest", "2026-03-01", "2026-03-02")
    held.save(tmp_path, "depot", made)
    assert held.load(tmp_path, "depot") == made
    (file,) = (tmp_path / "held").iterdir()
    damaged = []
    for line in map(json.loads, file.read_text("ascii").splitlines()):
        damaged.append(json.dumps({**line, name: "2026-13-45"} if name in line else line))
    file.write_text("".join(f"{line}\n" for line in damaged), "ascii")
    assert held.load(tmp_path, "depot") is None
    assert f"{file} is damaged" in caplog.text


EDITS = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from([None, "un", "deux"])), max_size=4)


@settings(max_examples=20)
@given(story=st.lists(st.tuples(EDITS, EVENTS, st.integers(0, 3)), max_size=5))
def test_nights_of_changes_give_what_a_whole_harvest_gives(
    story: list[tuple[list[tuple[str, str | None]], str, int]],
) -> None:
    repository = Repository()
    answered = httpx2.WSGITransport(Request.application(repository.handle))
    # Opening a connection takes most of the time of a night.
    with TemporaryDirectory() as folder, patch.object(remote, "GuardedTransport", lambda *_: answered):
        known = {"name": "depot", "kind": "oai", "url": "https://depot.example/oai", "retries": 0}
        source = SourceConfig.model_validate({**known, "harvest_days": 9})
        nights = Nights(Path(folder), source)
        repository.set("z", "toujours")
        states: list[Snapshot | None] = [None]
        for edits, event, days in story:
            repository.today = nights.today + timedelta(days=days)
            for key, title in edits:
                repository.set(key, title)
            if event == "rolled back":
                nights.served = states[len(states) // 2]
            failing = Response(status=503) if event == "fails" else None
            repository.answer = lambda request, failing=failing: failing  # type: ignore[misc]
            found = nights.night(days, refused=event == "refused")
            repository.answer = lambda request: None
            if event != "fails":
                assert titles(found.resources) == sorted(t for _, t in repository.records.values() if t)
                states.append(nights.served)
        nights.source = nights.source.model_copy(update={"harvest_days": 99})
        whole = collect([nights.source], None, nights.home, today=nights.today)
        assert set(nights.night(0).resources) == set(whole.resources) and whole.resources


def test_a_resource_keeps_its_texts_as_a_row() -> None:
    """The row that is made of a served resource is admitted as that resource."""
    made = resource(
        "a",
        "Moins de <b>5</b> ans & plus &lt;",
        summary="Une ligne\nune autre < 3 > 2 &amp; 'x' \"y\"",
        year=2012,
        themes=("Eau", "Sport"),
        url="https://exemple.fr/?a=1&region=53",
    )
    assert admit(row_of(made), Rules()) == made
