"""The first test of a head or an adapter: vectors of held-out records rank better, and nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass, fields

_SIGNIFICANT = 0.05
_OFF_DOMAIN_LOSS = 0.01


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The figures of a head or adapter learnt from `records`: mean reciprocal ranks.

    `before` and `after` are on held-out records, and `p` is the p-value of their difference. The off-domain
    figures are on general sentences. `requests` are the texts of the requests that it was learnt from, beside
    the records: they cannot judge it.
    """

    records: int
    before: float
    after: float
    p: float
    off_domain_before: float
    off_domain_after: float
    requests: frozenset[str] = frozenset()

    @property
    def figures(self) -> dict[str, float]:
        """Every number of the report, without weights and vectors."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, int | float)}

    @property
    def promising(self) -> bool:
        """Whether it gains beyond noise on held-out records, and loses at most 1 % off-domain.

        Only the answers of the product can then tell whether it is kept (`refresh.trial`).
        """
        gained = self.after > self.before and self.p < _SIGNIFICANT
        return gained and self.off_domain_after >= self.off_domain_before * (1 - _OFF_DOMAIN_LOSS)
