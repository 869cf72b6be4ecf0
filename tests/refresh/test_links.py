"""A night's check of addresses: which ones, in which order, and what is kept of it."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from filelock import FileLock

from reco.catalogue import link_states
from reco.errors import StorageError
from reco.refresh.links import MOST_SECONDS, LinkReport, check_links
from reco.sources.link_check import Probe
from tests.support import resource

DEAD = Probe("dead", "the server answers 404")
RESOURCES = [resource(f"r{n}", url=f"https://{'ab'[n % 2]}.exemple.fr/{n}") for n in range(6)]


class Servers:
    """Answers from a table instead of the network, and remembers what was asked."""

    def __init__(self, answers: Mapping[str, Probe] | None = None, other: Probe | None = None) -> None:
        self.answers, self.other = answers or {}, other or Probe("ok")
        self.asked: list[str] = []

    def check(self, url: str) -> Probe:
        self.asked.append(url)
        return self.answers.get(url, self.other)


def night(home: Path, servers: Servers, day: int = 1, limit: int = 100) -> LinkReport:
    return check_links(home, RESOURCES, servers, date(2026, 11, day), limit)


def test_a_night_is_bounded_and_the_next_goes_on_where_it_ended(tmp_path: Path) -> None:
    servers = Servers()
    first = night(tmp_path, servers, 1, limit=4)
    assert (first.addresses, first.checked, first.never, first.outcomes) == (6, 4, 2, {"ok": 4})
    night(tmp_path, servers, 2, limit=2)
    assert sorted(servers.asked) == sorted(one.url for one in RESOURCES)
    night(tmp_path, servers, 3, limit=4)
    assert sorted(servers.asked[6:]) == sorted(servers.asked[:4])


def test_the_addresses_of_one_host_are_apart(tmp_path: Path) -> None:
    servers = Servers()
    night(tmp_path, servers)
    hosts = [url[8] for url in servers.asked]
    assert all(one != other for one, other in pairwise(hosts))


def test_three_nights_of_failure_are_dead_for_good_and_a_success_ends_it(tmp_path: Path) -> None:
    url = RESOURCES[0].url
    servers = Servers({url: DEAD})
    for day in (1, 2):
        assert night(tmp_path, servers, day).gone == ()
    (gone,) = night(tmp_path, servers, 3).gone
    assert (gone.url, gone.resources, gone.nights, gone.since) == (url, ("r0",), 3, "2026-11-01")
    assert night(tmp_path, Servers(), 4).gone == ()


def test_problems_are_told_and_what_is_right_is_not(tmp_path: Path) -> None:
    servers = Servers({RESOURCES[1].url: Probe("moved", to="https://c.exemple.fr/")})
    (moved,) = night(tmp_path, servers).problems
    assert (moved.outcome, moved.to, moved.resources) == ("moved", "https://c.exemple.fr/", ("r1",))


def test_a_host_that_is_tired_is_left_in_peace_until_the_next_night(tmp_path: Path) -> None:
    servers = Servers({RESOURCES[0].url: Probe("unsure", "the server answers 429", tired=True)})
    found = night(tmp_path, servers)
    assert [url for url in servers.asked if "//a." in url] == [RESOURCES[0].url]
    assert found.outcomes == {"unsure": 1, "ok": 3} and (found.checked, found.never) == (4, 2)
    known = link_states.read(tmp_path).states
    assert RESOURCES[2].url not in known, "what was not asked is not recorded"
    again = Servers()
    night(tmp_path, again, 2, limit=2)
    assert again.asked == [RESOURCES[2].url, RESOURCES[4].url]


def test_others_take_the_places_of_the_addresses_of_a_tired_host(tmp_path: Path) -> None:
    many = [resource(f"a{n}", url=f"https://a.exemple.fr/{n}") for n in range(5)]
    many += [resource(f"b{n}", url=f"https://b.exemple.fr/{n}") for n in range(5)]
    servers = Servers({many[0].url: Probe("unsure", "the server answers 429", tired=True)})
    found = check_links(tmp_path, many, servers, date(2026, 11, 1), 4)
    assert servers.asked == [many[0].url, *(one.url for one in many[5:8])] and found.checked == 4


def test_without_a_network_no_address_is_to_blame(tmp_path: Path) -> None:
    night(tmp_path, Servers(), 1)
    before = (tmp_path / link_states.NAME).read_bytes()
    silence = Servers(other=Probe("dead", "no server has this name", silent=True))
    found = night(tmp_path, silence, 2)
    assert found.offline and found.checked == 0 and not found.problems
    assert (tmp_path / link_states.NAME).read_bytes() == before


def test_one_resource_listed_twice_is_asked_once_and_a_lost_address_is_forgotten(tmp_path: Path) -> None:
    twice = [resource("x", url="https://a.fr/1"), resource("y", url="https://a.fr/1"), resource("z", url="")]
    servers = Servers(other=DEAD)
    (problem,) = check_links(tmp_path, twice, servers, date(2026, 11, 1), 10).problems
    assert problem.resources == ("x", "y") and len(servers.asked) == 1
    night(tmp_path, Servers(), 2)
    assert "https://a.fr/1" not in link_states.read(tmp_path).states


def test_an_interruption_keeps_what_was_learnt(tmp_path: Path) -> None:
    class Interrupted(Servers):
        def check(self, url: str) -> Probe:
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            return super().check(url)

    with pytest.raises(KeyboardInterrupt):
        night(tmp_path, Interrupted())
    assert len(link_states.read(tmp_path).states) == 3


def test_a_run_that_takes_too_long_stops(tmp_path: Path) -> None:
    moments = iter((0.0, 1.0, MOST_SECONDS, MOST_SECONDS + 1))
    found = check_links(tmp_path, RESOURCES, Servers(), date(2026, 11, 1), 100, clock=lambda: next(moments))
    assert (found.checked, found.never) == (2, 4)


def test_damage_is_told_and_repaired(tmp_path: Path) -> None:
    (tmp_path / link_states.NAME).write_bytes(b"{\n")
    assert night(tmp_path, Servers(), 1).damaged == 1
    assert night(tmp_path, Servers(), 2).damaged == 0


def test_two_checks_do_not_run_together(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".links.lock"), pytest.raises(StorageError, match="Another check"):
        night(tmp_path, Servers())


def test_a_disk_that_refuses_the_lock_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileLock, "acquire", full)
    with pytest.raises(StorageError, match="No space left on device") as raised:
        night(tmp_path, Servers())
    assert "Free some space" in raised.value.hint


def test_an_address_that_has_no_bytes_is_not_checked(tmp_path: Path) -> None:
    odd = [resource("x", url="https://a.fr/\ud800"), resource("y", url="https://a.fr/é")]
    servers = Servers()
    check_links(tmp_path, odd, servers, date(2026, 11, 1), 10)
    assert servers.asked == ["https://a.fr/é"] and not link_states.read(tmp_path).damaged
