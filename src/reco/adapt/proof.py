"""When something learnt is kept: the test that a head and an adapter pass alike."""

from __future__ import annotations

from dataclasses import fields

_SIGNIFICANT = 0.05
_OFF_DOMAIN_LOSS = 0.01


class Proof:
    """Figures of a learning, for a dataclass to declare: mean reciprocal ranks before and after.

    `before` and `after` are of records that were held out, `p` is of their difference; the off-domain
    ones are of general sentences.
    """

    before: float
    after: float
    p: float
    off_domain_before: float
    off_domain_after: float

    @property
    def figures(self) -> dict[str, float]:
        """Every number of the report, without the weights and vectors."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in values.items() if isinstance(value, int | float)}

    @property
    def kept(self) -> bool:
        """Whether it won beyond noise on held-out records, and lost at most 1 % off-domain."""
        gained = self.after > self.before and self.p < _SIGNIFICANT
        return gained and self.off_domain_after >= self.off_domain_before * (1 - _OFF_DOMAIN_LOSS)
