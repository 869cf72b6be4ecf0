"""The command line's promises: one JSON document, documented exit codes, a quick --help."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from reco.cli.main import app
from reco.cli.options import Common, Filtering, with_options
from tests.support import Home, python, rows, run_cli, run_process

REPORT = {
    "snapshot",
    "published",
    "read",
    "added",
    "changed",
    "removed",
    "unchanged",
    "rejected",
    "encoded",
    "reused",
    "failed_sources",
    "objections",
    "seconds",
}
ITEM = {
    "rank",
    "id",
    "title",
    "type",
    "theme",
    "publisher",
    "year",
    "url",
    "score",
    "level",
    "explanation",
} | {
    "placement",
    "likeness",
    "vigilance",
}


def test_refresh_reports_what_it_did(home: Home) -> None:
    done = run_cli("refresh", "--json", *home.arguments)
    assert done.code == 0 and set(done.json) >= REPORT
    assert done.json["published"] and done.json["added"] == 24 and done.json["failed_sources"] == []


def test_recommend_has_the_documented_shape(served: Home) -> None:
    done = run_cli("recommend", "rouvrir le café du village", "-k", "3", "--json", *served.arguments)
    found = done.json
    assert done.code == 0 and set(found) >= {"query", "snapshot", "verdict", "needs", "recommendations"}
    assert len(found["recommendations"]) == 3
    for rank, item in enumerate(found["recommendations"], start=1):
        assert set(item) >= ITEM and item["rank"] == rank
        assert sum(line["value"] for line in item["explanation"]["contributions"]) == pytest.approx(
            item["score"], abs=1e-6
        )
        assert set(item["explanation"]["passages"][0]) >= {"text", "start", "end", "similarity"}


def test_an_acronym_that_was_read_in_full_is_said_and_taken_away(home: Home) -> None:
    (home.folder / "acronyms.csv").write_text("short,full,synonyms,note\nCDM,café du matin,,\n", "utf-8")
    home.extra = '[ranking]\nacronyms = "acronyms.csv"\n'
    home.configure()
    assert home.refresh().published
    read = run_cli("recommend", "sauver le CDM", "--json", *home.arguments).json
    assert read["expansions"] == [{"short": "CDM", "full": "café du matin", "written": "CDM"}]
    plain = run_cli("recommend", "un CDM", *home.arguments).out
    assert 'Also read: CDM = café du matin  (leave it out: --without "CDM")' in plain
    asked = ("recommend", "sauver le CDM", "--without", "cdm", "--json")
    without = run_cli(*asked, *home.arguments).json
    assert (without["expansions"], without["without"]) == ([], ["cdm"])
    scores = [{i["id"]: i["score"] for i in found["recommendations"]}["r04"] for found in (read, without)]
    assert scores[0] != scores[1]


def test_a_misspelt_word_is_told_and_searched_exactly_on_demand(served: Home) -> None:
    asked = ("recommend", "rouvrir le caffé du vilage", *served.arguments)
    assert "Understood: rouvrir le café du village\n" in run_cli(*asked).out
    read = run_cli(*asked, "--json").json
    assert (read["query"], read["understood"]) == (asked[1], "rouvrir le café du village")
    assert read["corrections"] == [
        {"written": "caffé", "understood": "café", "start": 11, "end": 16},
        {"written": "vilage", "understood": "village", "start": 20, "end": 26},
    ]
    one = run_cli(*asked, "--exact-word", "vilage", "--json").json
    assert (one["understood"], one["exact"]) == ("rouvrir le café du vilage", ["vilage"])
    typed = run_cli(*asked, "--exact", "--json").json
    assert (typed["understood"], typed["corrections"]) == (asked[1], [])


def test_a_shelf_is_told_slot_by_slot(served: Home) -> None:
    done = run_cli("recommend", "rouvrir le café", "--shelf", "--json", *served.arguments)
    filled = [slot for slot in done.json["shelf"] if slot["rank"]]
    assert len(done.json["shelf"]) == 5 and len(filled) == len(done.json["recommendations"]) == 2
    assert {item["placement"]["reason"] for item in done.json["recommendations"]} == {"shelf"}
    plain = run_cli("recommend", "rouvrir le café", "--shelf", *served.arguments)
    assert plain.code == 0 and plain.out.count("moved by: balanced shelf") == 2
    assert plain.out.count(": nothing close enough") == 3


def test_a_place_is_compared_and_said(home: Home) -> None:
    home.write([{**row, "place": "Trémargat", "scale": "commune rurale"} for row in rows()])
    assert home.refresh().published
    asked = ("recommend", "café", "-k", "2", "--commune", "Rignac (Aveyron)", "--near", *home.arguments)
    found = run_cli(*asked, "--json").json
    assert found["place"] == {"code": "12199", "name": "Rignac (Aveyron)"}
    likeness = found["recommendations"][0]["likeness"]
    assert 0 < likeness["value"] < 1 and "smaller" in likeness["reasons"]
    assert likeness["place"] == "Trémargat (Côtes-d'Armor)"
    plain = run_cli(*asked).out
    assert "much smaller" in plain and "Places compared with Rignac (Aveyron)" in plain


def test_warnings_are_quoted(home: Home) -> None:
    warning = "Le chantier a pris du retard faute de maçons."
    home.write([{**row, "summary": f"{row['title']}. {warning}"} for row in rows()])
    assert home.refresh().published
    asked = ("recommend", "café", "-k", "1", *home.arguments)
    (point,) = run_cli(*asked, "--json").json["recommendations"][0]["vigilance"]
    assert point["kind"] == "delay" and warning in point["text"]
    assert "caution (delay): « " in run_cli(*asked).out


def test_every_code_has_words() -> None:
    from reco.catalogue.places.similarity import REASONS
    from reco.cli import notices
    from reco.ranking.rerank import REASONS as MOVES

    assert set(notices._LIKENESS) == set(REASONS) and set(notices._PLACEMENT) == set(MOVES)


def test_filters_take_a_label_in_any_case_or_a_code(served: Home) -> None:
    for kind in ("Rapports", "rapports", "report"):
        done = run_cli(
            "recommend", "énergie", "--type", kind, "--theme", "energie", "--json", *served.arguments
        )
        assert {(i["type"], i["theme"]) for i in done.json["recommendations"]} == {("Rapports", "Énergie")}


def test_filters_of_every_facet_combine(served: Home) -> None:
    narrowed = (
        "--publisher",
        "éditions du lavoir",
        "--language",
        "FR",
        "--year-from",
        "2004",
        "--year-to",
        "2011",
    )
    found = run_cli("recommend", "une commune", *narrowed, "--json", *served.arguments).json[
        "recommendations"
    ]
    assert sorted(item["year"] for item in found) == [2004, 2005, 2007, 2008, 2010, 2011]
    near = run_cli("similar", "r07", *narrowed, "--type", "guide", "--json", *served.arguments).json
    assert {item["type"] for item in near["recommendations"]} == {"Guides & outils"}
    for wrong in (
        ("--scale", "canton"),
        ("--place", "Atlantide"),
        ("--year-from", "2030", "--year-to", "2020"),
    ):
        done = run_cli("recommend", "une commune", *wrong, "--json", *served.arguments)
        assert done.code == 2 and done.json["hint"], wrong


def test_similar_leaves_the_resource_out(served: Home) -> None:
    done = run_cli("similar", "r03", "--json", *served.arguments)
    assert done.code == 0 and "r03" not in {item["id"] for item in done.json["recommendations"]}


def test_show_gives_what_the_model_reads(served: Home) -> None:
    done = run_cli("show", "r03", "--json", *served.arguments)
    assert done.json["title"] == "La cantine cuisine local" and len(done.json["passages"]) >= 2


def test_snapshots_marks_the_one_served(served: Home) -> None:
    assert [
        row["current"] for row in run_cli("snapshots", "--json", *served.arguments).json["snapshots"]
    ] == [True]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_request_is_read_from_standard_input(served: Home, encoding: str) -> None:
    request = "rouvrir le café".encode(encoding)
    done = run_process("recommend", "-", "--json", *served.arguments, stdin=request)
    assert done.json["query"] == "rouvrir le café"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("recommend", " "), 2),
        (("recommend", "🌳"), 2),
        (("recommend", "x" * 200_001), 2),
        (("recommend", "école", "-k", "0"), 2),
        (("recommend", "école", "-k", "many"), 2),
        (("recommend", "école", "--type", "Affiches"), 2),
        (("recommend", "école", "--diversity", "1.5"), 2),
        (("recommend", "école", "--diversity", "nan"), 2),
        (("recommend", "école", "--near"), 2),
        (("recommend", "école", "--commune", "Sainte-Colombe"), 2),
        (("recommend", "école", "--commune", "Nulle-Part-les-Oies"), 2),
        (("recommend", "école", "--shelf", "-k", "4"), 2),
        (("recommend", "école", "--shelf", "--type", "guide"), 2),
        (("recommend",), 2),
        (("recommend", "école", "--unknown"), 2),
        (("similar", "nobody"), 2),
        (("show", "nobody"), 2),
        (("nothing",), 2),
    ],
)
def test_bad_input_is_one_sentence_and_a_hint(served: Home, arguments: tuple[str, ...], code: int) -> None:
    done = run_cli(*arguments, "--json", *served.arguments)
    assert done.code == code and set(done.json) == {"error", "hint"} and done.json["hint"]
    plain = run_cli(*arguments, *served.arguments)
    assert plain.code == code and plain.out == "" and plain.err


def test_a_home_without_a_snapshot_says_what_to_do(home: Home) -> None:
    done = run_cli("recommend", "école", "--json", *home.arguments)
    assert done.code == 1 and "reco refresh" in done.json["hint"]


def test_a_missing_catalogue_leaves_the_served_snapshot(served: Home) -> None:
    (served.folder / "catalogue.csv").unlink()
    done = run_cli("refresh", "--json", *served.arguments)
    assert done.code == 1 and "catalogue.csv" in done.json["error"]
    assert run_cli("recommend", "école", "--json", *served.arguments).code == 0


@pytest.mark.parametrize("text", ["[[sources]\n", "[encoder]\nkind = 'magic'\n", "[unknown]\na = 1\n"])
def test_settings_that_cannot_be_used_are_refused(home: Home, text: str) -> None:
    home.config.write_text(text, encoding="utf-8")
    done = run_cli("refresh", "--json", *home.arguments)
    assert done.code == 2 and "reco.example.toml" in done.json["hint"]


def test_bad_rows_are_quarantined_with_every_reason(home: Home) -> None:
    bad = [{**rows()[0], "title": ""}, {**rows()[1], "id": "r02"}]
    home.options = "reject_limit = 0.5"
    home.configure()
    home.write([*rows(), *bad])
    report = run_cli("refresh", "--json", *home.arguments).json
    assert report["rejected"] == 2 and report["added"] == 24
    kept = [json.loads(line) for line in Path(report["quarantine"]).read_text(encoding="utf-8").splitlines()]
    assert "the title is missing" in kept[0]["problems"] and len(kept[0]["problems"]) == 2
    assert "catalogue.csv:26" in kept[0]["locator"] and kept[1]["values"]["id"] == "r02"


def test_too_many_bad_rows_fail_the_source(served: Home) -> None:
    served.write([*rows(), *({**row, "title": ""} for row in rows()[:5])])
    done = run_cli("refresh", "--json", *served.arguments)
    assert done.code == 1 and "limit 5%" in done.json["error"]


def test_a_corrupt_snapshot_names_what_to_do(served: Home) -> None:
    (served.path / "snapshots" / "000001" / "parts.npy").write_bytes(b"broken")
    done = run_cli("recommend", "école", "--json", *served.arguments)
    assert done.code == 1 and "parts.npy" in done.json["error"] and "rollback" in done.json["hint"]


def test_relative_paths_start_at_the_settings_file(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_cli("refresh", "--json", *home.arguments).code == 0


def test_a_home_can_be_moved(served: Home, tmp_path: Path) -> None:
    shutil.copytree(served.path, tmp_path / "moved")
    done = run_cli(
        "recommend", "école", "--json", "--config", str(served.config), "--home", str(tmp_path / "moved")
    )
    assert done.code == 0


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom reco.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'streamlit', 'faiss', 'pandas', 'transformers', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = python("-c", code)
    assert done.code == 0, done.err


def test_the_test_encoder_needs_no_torch(served: Home) -> None:
    code = (
        "import sys\nfrom reco.cli.main import main\n"
        f"try:\n    main(['refresh', '--json', *{list(served.arguments)!r}])\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'streamlit'} & set(sys.modules)"
    )
    assert python("-c", code).code == 0


def test_openmp_waits_quietly() -> None:
    assert python("-c", "import os, reco; assert os.environ['OMP_WAIT_POLICY'] == 'PASSIVE'").code == 0
    assert python("-c", "import os, reco; assert os.environ['OPENBLAS_NUM_THREADS'] == '1'").code == 0


def test_a_reader_that_has_had_enough_is_no_failure(served: Home) -> None:
    command = [sys.executable, "-c", "from reco.cli.main import main; main()", "snapshots", "--json"]
    with subprocess.Popen(
        [*command, *served.arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, "")


def test_an_option_after_two_dashes_is_text(served: Home) -> None:
    done = run_cli("show", *served.arguments, "--", "--json")
    assert done.code == 2 and done.out == "" and "There is no resource '--json'" in done.err


def test_an_interruption_is_said(served: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reco.workspace.settings.load", interrupt)
    done = run_cli("status", "--json", *served.arguments)
    assert done.code == 1 and set(done.json) == {"error", "hint"} and done.json["error"] == "Interrupted."
    assert run_cli("status", *served.arguments).err.startswith("Interrupted.\n")


def test_an_unexpected_failure_is_one_document_too(served: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("reco.workspace.settings.load", fail)
    done = run_cli("status", "--json", *served.arguments)
    assert done.code == 1 and done.json["error"] == "Unexpected failure: ZeroDivisionError: boom"
    assert "Traceback" in done.err


def test_shared_options_are_the_fields_of_their_class() -> None:
    seen = []

    def command(name: str, *, filtering: Filtering, common: Common) -> None:
        seen.append((name, filtering, common))

    known = typer.Typer()
    known.command()(with_options(command))
    arguments = ["x", "--type", "guide", "--type", "Livres", "--year-to", "2020", "--home", "h", "--json"]
    with typer.main.get_command(known).make_context("x", arguments) as context:
        context.command.invoke(context)
    filtering = Filtering(types=["guide", "Livres"], last_year=2020)
    assert seen == [("x", filtering, Common(Path("h"), None, True))]
    assert filtering.filters().types == ("guide", "Livres") and filtering.filters().last_year == 2020
    assert (filtering.filters().themes, filtering.filters().first_year) == ((), None)


def commands(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        yield from commands(command) if hasattr(command, "commands") else (command,)


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(app))), ids=lambda one: one.name)
def test_every_command_takes_the_shared_options(command: Any) -> None:
    options = {name for parameter in command.params for name in parameter.opts}
    assert options >= {"--home", "--config"} and ("--json" in options or command.name == "app")


def test_what_is_printed_is_english(home: Home) -> None:
    home.write([{**row, "place": "Trémargat", "scale": "commune rurale"} for row in rows()])
    assert home.refresh().published
    asked = (
        "recommend",
        "Deux sujets\n- un café\n- une recyclerie",
        "--shelf",
        "--commune",
        "Rignac (Aveyron)",
    )
    words = run_cli(*asked, *home.arguments).out.replace("«", "").split()
    french = {"rang", "lieu", "besoin", "mots", "aussi", "voir", "rien", "hab.", ":"}
    assert {"Need:", "place:", "words:"} <= set(words)
    assert not french & {word.casefold().strip("(),;") for word in words}


def test_a_deliberation_is_read_for_its_object(served: Home) -> None:
    paper = (
        "DÉLIBÉRATION DU CONSEIL MUNICIPAL\nOBJET : rouvrir le café du village\nVu le code rural ;\n"
        "Considérant que le café est fermé ;\nAprès en avoir délibéré,\nDÉCIDE de rouvrir le café ;\n"
    )
    alone = run_cli("recommend", "rouvrir le café du village", "--json", *served.arguments).json
    read = run_cli("recommend", paper, "--json", *served.arguments).json
    assert alone["reading"] is None
    assert read["query"] == paper.strip()
    assert read["reading"]["lead"] == "rouvrir le café du village"
    assert [part["label"] for part in read["reading"]["left_out"]] == ["heading", "visas", "vote"]
    assert read["needs"] == []
    plain = " ".join(run_cli("recommend", paper, *served.arguments).out.split())
    assert (
        "Read of this deliberation: object, considérant, decision; left aside: heading, visas, vote" in plain
    )
    whole = run_cli("recommend", paper, "--whole", "--json", *served.arguments).json
    assert whole["reading"] is None
