"""Version marks: which code stands behind each, and a digest of that code.

A mark names how something kept on disk was made. When the code behind it changes and the mark does not,
stale work is reused without a word. `tests/marks.json` has the value and the digest of each mark;
`tests/test_marks.py` compares. After a change that gives the same results, record the new digests:

    python -m tests.marks
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
RECORD = Path(__file__).with_suffix(".json")
NAMES = frozenset("RECIPE READING NAMING LAYOUT FORMAT METHOD MAGIC VERSION REVISION".split())
"""What a mark is called, perhaps after an underscore."""

_UNTOLD = ("annotation", "returns", "type_params", "type_comment", "ctx", "simple")
"""Fields of the syntax tree that say nothing of what code does, or that not every Python has."""

CODE: Mapping[str, tuple[str, ...]] = {
    "reco.text.tokens.READING": ("reco.text.tokens", "reco.text.clean:bare", "reco/text/stop_words.txt"),
    "reco.index.acronyms.READING": ("reco.index.acronyms", "reco/index/ordinary_words.csv"),
    "reco.catalogue.admission.RECIPE": (
        "reco.catalogue.admission",
        "reco.catalogue.addresses",
        "reco.catalogue.languages",
        "reco.catalogue.places.codes",
        "reco.catalogue.years",
        "reco.catalogue.taxonomy:canonical",
        "reco.text.clean:clean strip_markup fold digest",
        "reco.text.markup",
        "reco.text.escapes",
    ),
    "reco.catalogue.fingerprints.RECIPE": ("reco.catalogue.fingerprints", "reco.text.clean:fold"),
    "reco.catalogue.curation.RECIPE": (
        "reco.catalogue.curation",
        "reco.catalogue.boilerplate",
        "reco.catalogue.decisions",
        "reco.catalogue.places.codes",
        "reco.catalogue.places.gazetteer",
        "reco.index.duplicates",
    ),
    "reco.encoder.protocol.RECIPE": (
        "reco.encoder.protocol:Document DocumentVectors unit",
        "reco.encoder.chunking",
        "reco.encoder.sentence",
        "reco.text.passages",
    ),
    "reco.encoder.bundled.LAYOUT": ("reco.encoder.bundled:_write_folder",),
    "reco.clusters.find.RECIPE": (
        "reco.clusters.find",
        "reco.clusters.grouping",
        "reco.clusters.layout",
        "reco.clusters.matching",
        "reco.clusters.quality",
        "reco.clusters.update",
    ),
    "reco.clusters.find.NAMING": (
        "reco.clusters.labelling.choice",
        "reco.clusters.labelling.corpus",
        "reco.clusters.labelling.labels",
        "reco.clusters.labelling.parts_of_speech",
        "reco.clusters.labelling.phrases",
    ),
    "reco.clusters.model.FORMAT": (
        "reco.clusters.model:Clusters.to_files Clusters.from_files Clusters._resources",
    ),
    "reco.adapt.deep.learn._METHOD": (
        "reco.adapt.deep.learn",
        "reco.adapt.deep.lowrank",
        "reco.adapt.deep.recipe",
        "reco.adapt.deep.records",
        "reco.adapt.training.checkpoint",
        "reco.adapt.training.layers",
        "reco.adapt.training.loop",
        "reco.adapt.training.pairs",
    ),
    "reco.adapt.teaching.teach._METHOD": (
        "reco.adapt.teaching.lessons",
        "reco.adapt.teaching.teach",
        "reco.adapt.training.checkpoint",
        "reco.adapt.training.layers",
        "reco.adapt.training.loop",
        "reco.adapt.training.pairs",
    ),
    "reco.evaluation.blind.pairs.FORMAT": (
        "reco.evaluation.blind.pairs:Pair Key",
        "reco.evaluation.blind.judgements:Judgement Judgements",
    ),
    "reco.workspace.replay.FORMAT": ("reco.workspace.replay:Dependencies Recorded",),
    "reco.snapshots.snapshot.FORMAT": (
        "reco.snapshots.snapshot:Manifest to_files from_files",
        "reco.snapshots.carryover:Carried.to_files rows_of counts_of",
        "reco.catalogue.parquet",
        "reco.encoder.adapter:Adapter.to_bytes Adapter.from_bytes",
        "reco.index.acronyms:Acronyms.to_bytes Acronyms.from_bytes",
        "reco.index.arrays",
        "reco.index.calibration:Levels.to_bytes Levels.asked_bytes Levels.from_bytes",
        "reco.index.dense:DenseIndex.to_pieces DenseIndex.from_bytes",
        "reco.index.duplicates:Families.to_bytes Families.from_bytes",
        "reco.index.lexical:LexicalIndex.to_files LexicalIndex.from_files Counts.to_arrays Counts.from_arrays",
        "reco.index.terms:Counted.to_arrays Counted.from_arrays",
    ),
    "reco.sources.web_page.RECIPE": (
        "reco.sources.web_page",
        "reco.sources.page_store:StoredPage",
        "reco.text.markup:mended",
        "reco.text.decoding:decoded",
    ),
    "reco.refresh.journal._MAGIC": ("reco.refresh.journal",),
}
"""Each mark, and what it stands for: a module, names of one with what they use of it, or a file of data."""


def state(mark: str) -> dict[str, str]:
    """Return the value of a mark and the digest of its code, as they are now."""
    return {"value": value(mark), "digest": digest(parts(CODE[mark]))}


def found() -> set[str]:
    """Return every constant of the package that is called like a mark and has a literal value."""
    return {
        f"{'.'.join(path.relative_to(SOURCE).with_suffix('').parts)}.{name}"
        for path in SOURCE.rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for name in _names(node)
        if name.lstrip("_") in NAMES
    }


def value(mark: str) -> str:
    """Return the literal that a mark is set to."""
    module, _, name = mark.rpartition(".")
    node = _definitions(_tree(module))[name]
    assert isinstance(node, ast.Assign)
    return repr(ast.literal_eval(node.value))


def parts(code: Iterable[str]) -> Iterator[ast.AST]:
    """Yield the definitions that an entry of `CODE` names."""
    for entry in code:
        if "/" in entry:
            yield ast.Constant((SOURCE / entry).read_text(encoding="utf-8"))
            continue
        module, _, names = entry.partition(":")
        tree = _tree(module)
        yield from _used(tree, names.split(), module) if names else tree.body


def digest(nodes: Iterable[ast.AST]) -> str:
    """Digest what code does: docstrings, comments, annotations, imports and the order of definitions aside.

    It is of the syntax tree, without the fields that differ from Python 3.11 to 3.13.
    """
    told = sorted({_told(node) for node in nodes})
    return sha256("\n".join(told).encode()).hexdigest()[:16]


def _tree(module: str) -> ast.Module:
    path = SOURCE.joinpath(*module.split("."))
    return ast.parse(path.with_suffix(".py").read_text(encoding="utf-8"))


def _definitions(tree: ast.Module) -> dict[str, ast.AST]:
    named: dict[str, ast.AST] = {}
    for node in tree.body:
        named |= dict.fromkeys(_names(node), node)
        if isinstance(node, ast.ClassDef):
            named |= {f"{node.name}.{name}": inner for inner in node.body for name in _names(inner)}
    return named


def _names(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
            return [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []


def _used(tree: ast.Module, names: list[str], module: str) -> Iterator[ast.AST]:
    """Yield the definitions of these names, and those of the module that they use in their turn."""
    known = _definitions(tree)
    if missing := [name for name in names if name not in known]:
        raise LookupError(f"{module} has no {', '.join(missing)}: say in tests/marks.py where it went")
    seen, waiting = set(names), list(names)
    while waiting:
        node = known[waiting.pop()]
        yield node
        fresh = {one.id for one in _code(node) if isinstance(one, ast.Name)} & known.keys() - seen
        seen |= fresh
        waiting += sorted(fresh)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and those below it, annotations aside."""
    yield node
    for name, held in ast.iter_fields(node):
        below = held if isinstance(held, list) else [held]
        if name not in _UNTOLD:
            yield from (found for one in below if isinstance(one, ast.AST) for found in _code(one))


def _told(node: ast.AST) -> str:
    """Write a node down, "" for one that does not count."""
    if isinstance(node, ast.Import | ast.ImportFrom) or _is_text(node):
        return ""
    if isinstance(node, ast.Constant):
        return ascii(node.value)  # repr follows the Unicode of the Python that runs
    fields = ((name, _held(held)) for name, held in ast.iter_fields(node) if name not in _UNTOLD)
    return f"{type(node).__name__}({', '.join(f'{name}={held}' for name, held in fields if held)})"


def _held(held: object) -> str:
    if isinstance(held, ast.AST):
        return _told(held)
    if isinstance(held, list):
        return " ".join(filter(None, map(_held, held)))
    return "" if held is None else repr(held)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


if __name__ == "__main__":
    RECORD.write_text(json.dumps({mark: state(mark) for mark in CODE}, indent=2) + "\n", encoding="utf-8")
