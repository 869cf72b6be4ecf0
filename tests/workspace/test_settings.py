"""What settings are made of: a file, variables over it, paths from the file's folder, bounds in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from reco.clusters.find import Options, Tuning
from reco.errors import InvalidSettings
from reco.ranking.scoring import Fusion
from reco.refresh.gates import Thresholds
from reco.workspace.home import home_of, recipe_of
from reco.workspace.settings import Settings, defaults, load, settings_file


def write(folder: Path, text: str) -> Path:
    path = folder / "reco.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_tables_are_what_ranking_gates_and_clusters_take() -> None:
    settings = Settings()
    assert isinstance(settings.ranking, Fusion) and isinstance(settings.gates, Thresholds)
    assert isinstance(settings.clusters, Tuning) and settings.clusters.options() == Options()
    # Alone, since they are recorded with answers: a file of acronyms is no weight.
    assert settings.ranking.fusion() == Fusion() and settings.gates.thresholds() == Thresholds()


def test_homes_made_before_need_no_calibration(tmp_path: Path) -> None:
    # What a home holds was measured under these names: another name measures and groups all anew.
    settings = load(write(tmp_path, '[ranking]\nacronyms = "acronyms.csv"\n'))
    assert settings.ranking.stamp == Fusion().stamp == "415ee945c0eb71f5"
    assert Fusion(words=0.3, depth=500).stamp == "11949bf3dc077d32"
    assert recipe_of(Settings())._grouping == "536fb2492d5ae0408ada2a1b1c9a604e"


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (Fusion, {"passage": 1.1}),
        (Fusion, {"depth": 9}),
        (Thresholds, {"probes": 4}),
        (Options, {"levels": 4}),
    ],
)
def test_a_value_out_of_its_bounds_is_refused_wherever_it_is_given(
    made: type, value: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match=next(iter(value))):
        made(**value)


def test_variables_stand_in_for_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "[ranking]\nmeaning = 0.5\nwords = 0.6\n[gates]\nchurn = 0.9\n")
    monkeypatch.setenv("RECO_RANKING__MEANING", "0.3")
    monkeypatch.setenv("RECO_GATES", '{"probes": 7}')
    monkeypatch.setenv("RECO_CLUSTERS__LEVELS", "3")
    monkeypatch.setenv("RECO_WHATEVER", "nothing of ours")
    monkeypatch.setenv("RECO_LOG", "INFO")
    settings = load(path)
    assert (settings.ranking.meaning, settings.ranking.words) == (0.3, 0.6)
    assert (settings.gates.probes, settings.gates.churn, settings.clusters.levels) == (7, 0.9, 3)
    assert Settings().ranking.meaning == Fusion.meaning, "made by hand, they read no variable"


def test_a_variable_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "[ranking]\nwords = -1\n")
    monkeypatch.setenv("RECO_GATES__PROBES", "2")
    monkeypatch.setenv("RECO_GATES__COLOUR", "red")
    with pytest.raises(InvalidSettings) as refused:
        load(path)
    for problem in ("ranking.words: ", "RECO_GATES__PROBES: ", "RECO_GATES__COLOUR: Extra inputs"):
        assert problem in str(refused.value)
    monkeypatch.setenv("RECO_GATES", "half a table")
    with pytest.raises(InvalidSettings, match=r"RECO_ variable cannot be read.*gates"):
        load(path)


def test_every_relative_path_starts_at_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = load(
        write(
            tmp_path,
            """
home = "home"
[encoder]
kind = "folder"
folder = "model"
wheel = "/srv/model.whl"
[ranking]
acronyms = "acronyms.csv"
[curation]
decisions = "decisions.csv"
[gates]
golden = "golden"
[clusters]
names = "names.csv"
[[sources]]
name = "one"
kind = "csv"
path = "~/one.csv"
[[sources]]
name = "two"
kind = "csv"
path = "two.csv"
""",
        )
    )
    assert (settings.home, settings.encoder.folder) == (tmp_path / "home", tmp_path / "model")
    assert settings.encoder.wheel == Path("/srv/model.whl")
    assert settings.ranking.acronyms == tmp_path / "acronyms.csv"
    assert settings.curation.decisions == tmp_path / "decisions.csv"
    assert (settings.gates.golden, settings.clusters.names) == (tmp_path / "golden", tmp_path / "names.csv")
    assert [source.path for source in settings.sources] == [
        Path("~/one.csv").expanduser(),
        tmp_path / "two.csv",
    ]


def test_a_path_of_an_unknown_user_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"gates\.golden.*names no user's home"):
        load(write(tmp_path, '[gates]\ngolden = "~nobody-of-that-name/golden"\n'))


def test_the_home_of_the_environment_comes_before_the_file_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "within").mkdir()
    path = write(tmp_path / "within", 'home = "mine"\n')
    assert home_of(load(path)) == tmp_path / "within" / "mine"
    monkeypatch.setenv("RECO_HOME", "elsewhere")
    monkeypatch.chdir(tmp_path)
    assert home_of(load(path)) == tmp_path / "elsewhere", "as a shell reads it, not as the file does"
    assert home_of(load(path), Path("given")) == Path("given")


def test_the_file_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home, named = tmp_path / "home", tmp_path / "named.toml"
    home.mkdir()
    assert settings_file(None, home) == defaults() / "reco.toml"
    write(tmp_path, "")
    assert settings_file(None, home) == settings_file() == Path("reco.toml")
    own = write(home, "")
    assert settings_file(None, home) == own and settings_file() == Path("reco.toml")
    monkeypatch.setenv("RECO_HOME", str(home))
    assert settings_file() == own and settings_file(None, tmp_path) == tmp_path / "reco.toml"
    monkeypatch.setenv("RECO_CONFIG", str(named))
    assert settings_file(None, home) == named and settings_file(own) == own


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[ranking]\ncolour = 1\n[gates]\nchurn = 2\n", "ranking.colour: Extra inputs.*gates.churn: "),
        ("colour = 1\n", "colour: Extra inputs"),
        ("ranking = 3\n", "ranking: Input should be"),
        ("[ranking\n", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_every_problem(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InvalidSettings, match=said):
        load(write(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "reco.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidSettings, match="not valid TOML"):
        load(tmp_path / "reco.toml")
    with pytest.raises(InvalidSettings, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_settings_saved_by_any_editor_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "reco.toml"
    path.write_bytes("[operation]  # durée réglée\nstale_hours = 7\n".encode(encoding))
    assert load(path).operation.stale_hours == 7
