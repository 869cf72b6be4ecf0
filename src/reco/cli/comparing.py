"""`reco compare`: two configurations side by side, and `reco evaluate --judged`: what blind judges said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reco.cli.console import note, progress_bar, show, show_line, show_table
from reco.cli.options import Common
from reco.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reco.evaluation.blind.judgements import Judged
    from reco.evaluation.blind.pairs import Key
    from reco.evaluation.compare import RequestsComparison, SetComparison
    from reco.workspace.comparison import Comparison, Pair

_TOPICS = 5
_REQUESTS = 5
_LONGEST = 90
_PAGES = (".html", ".htm")

ConfigA = Annotated[Path, typer.Argument(metavar="CONFIG_A", readable=False, help="A settings file.")]
ConfigB = Annotated[Path, typer.Argument(metavar="CONFIG_B", readable=False, help="Another one.")]


def compare(
    config_a: ConfigA,
    config_b: ConfigB,
    home_b: Annotated[
        Path | None,
        typer.Option("--home-b", readable=False, help="Home of CONFIG_B; --home is for CONFIG_A."),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            "--queries",
            metavar="FILE",
            help="Real requests: CSV, JSON Lines or text (default: data/requests beside CONFIG_A).",
        ),
    ] = None,
    column: Annotated[str, typer.Option("--column", help="The column of the texts in the file.")] = "",
    sets: Annotated[
        list[Path] | None, typer.Option("--set", metavar="DIR", help="A judged set; repeatable.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Number of results in a list.")] = 10,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="PAGE.html", help="Write a page to judge blindly."),
    ] = None,
    pairs: Annotated[int, typer.Option("--pairs", min=1, help="The most requests on the page.")] = 40,
    shown: Annotated[int, typer.Option("--shown", min=1, help="Results of a list on the page.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws the requests and the sides.")] = 1,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Use the first N queries of each set and file.")
    ] = None,
    *,
    common: Common,
) -> None:
    """Compare two settings on one catalogue: judged quality, and the requests whose results differ."""
    from reco.workspace import comparison

    if page is not None:
        _require_page(page)
    if common.config is not None:
        raise InvalidInput("`compare` takes its two settings files as arguments.", "Leave --config out.")
    pair = comparison.open_pair(comparison.Place(config_a, common.home), comparison.Place(config_b, home_b))
    for warning in pair.warnings:
        note(warning)
    requests, problems = comparison.requests_of(queries, column, config_a, limit)
    if problems:
        note(f"Lines left out: {len(problems)}. The first: {problems[0]}.")
    if page is not None and not requests:
        raise InvalidInput("There is no request to judge lists on.", "Give --queries FILE.")
    found = comparison.compare_pair(pair, sets or (), requests, k, progress_bar, limit)
    written = None
    if page is not None and found.requests is not None:
        written = _write(page, comparison.blind_key(pair, found.requests, seed, pairs, shown), pair)
    document = {**comparison.comparison_document(pair, found), "page": written}
    common.show(document, partial(_show, pair, found))


def _require_page(path: Path) -> None:
    from reco.storage.tables import require_place

    if path.suffix.lower() not in _PAGES:
        raise InvalidInput(f"{path} is not a .html file.", "Give it another name.")
    for place in (path, _key_of(path)):
        require_place(place)


def _key_of(page: Path) -> Path:
    return page.with_suffix(".key.json")


def _write(path: Path, key: Key, pair: Pair) -> dict[str, Any] | None:
    """Write the page and its key beside it; neither when no list differs."""
    from reco.evaluation.blind.page import blind_page
    from reco.storage.tables import save

    if not key.pairs:
        note("No list differs among its first results: there is nothing to judge, and no page is written.")
        return None
    save(_key_of(path), key.to_bytes())
    save(path, blind_page(key, pair.a.snapshot.catalogue))
    note(f"{path} has {len(key.pairs)} requests to judge. Keep {_key_of(path)} from the judges.")
    return {"page": str(path), "key": str(_key_of(path)), "comparison": key.digest, "pairs": len(key.pairs)}


def _show(pair: Pair, found: Comparison) -> None:
    show_table(
        (letter, side.name, side.snapshot.id, str(len(side.snapshot.catalogue)))
        for letter, side in (("A", pair.a), ("B", pair.b))
    )
    if found.sets:
        show_line("\nnDCG@10 on judged sets (p: paired randomisation test)", "bold")
        show_table(
            ((one.set, str(one.topics), *_figures(one)) for one in found.sets),
            ("set", "topics", "A", "B", "B - A", "p"),
        )
    for one in found.sets:
        if one.left_out:
            print(f"{one.set}: {one.left_out} topics without a relevant resource here are left out")
        for topic in one.most[:_TOPICS]:
            print(f"   {topic.a:.3f} -> {topic.b:.3f}  {_short(topic.text)} ({topic.topic})")
    if found.requests is not None:
        _show_requests(found.requests)


def _figures(one: SetComparison) -> tuple[str, ...]:
    return f"{one.a:.3f}", f"{one.b:.3f}", f"{one.difference:+.3f}", f"{one.p:.4f}"


def _show_requests(found: RequestsComparison) -> None:
    show_line(f"\n{found.requests} requests, first {found.k} results", "bold")
    print(f"same list {found.same_list}, same results in any order {found.same_results}")
    print(f"same first result {found.same_first}")
    print(f"mean overlap {found.overlap:.1%}, mean rank-biased overlap {found.rbo:.3f}")
    for change in found.verdicts:
        before, after = change.a or "not calibrated", change.b or "not calibrated"
        print(f"verdict {before} -> {after}: {change.requests}")
    for one in found.differing[:_REQUESTS]:
        print(f"   overlap {one.overlap:.0%}, rbo {one.rbo:.2f}  {_short(one.text)} ({one.id})")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def judged(files: Sequence[Path], key: Path | None, qrels: Path | None, as_json: bool) -> None:
    """Print what blind judges said, and write their grades as a judged set if `qrels` is a folder."""
    from reco.evaluation.blind import judgements

    if key is None:
        raise InvalidInput(
            "Judgements need the key of their page.", "Add --key PAGE.key.json, which `reco compare` wrote."
        )
    found = judgements.read(files, key)
    if qrels is not None:
        judgements.write_topics(found.topics, qrels)
    show(_judged_document(found, qrels), as_json, partial(_show_judged, found, qrels))


def _judged_document(found: Judged, qrels: Path | None) -> Mapping[str, Any]:
    return {
        "a": dict(found.key.a),
        "b": dict(found.key.b),
        "pairs": len(found.key.pairs),
        "judges": found.judges,
        "judged": found.requests,
        "preferences": asdict(found.preferences),
        "grades": None if found.grades is None else asdict(found.grades),
        "qrels": None if qrels is None else str(qrels),
    }


def _show_judged(found: Judged, qrels: Path | None) -> None:
    said, grades = found.preferences, found.grades
    print(f"A: {found.key.a.get('config')}\nB: {found.key.b.get('config')}")
    print(f"{found.requests} of {len(found.key.pairs)} requests judged by {found.judges}")
    print(f"A is better {said.a}, B is better {said.b}, equal {said.equal}, neither {said.neither}")
    print(f"sign test: p {said.p:.4f}")
    if grades is not None:
        print(
            f"nDCG of the lists shown, {grades.judgements} grades on {grades.topics} requests: "
            f"A {grades.a:.3f}, B {grades.b:.3f}, p {grades.p:.4f}"
        )
    if qrels is not None:
        print(f"The grades are in {qrels}: `reco compare ... --set {qrels}` measures on them.")
