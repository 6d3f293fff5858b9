# Permission for what cannot be undone. Drivers take a Consent and check it themselves: no path can forget to ask.
#
# A consent is made in two places only: from the job's policy, or from an operator's deliberate act. It names what may
# be done, to which sectors, and who said so; the journal stores it (`to_dict`) before the act.
# RDP level 2, PCROP, SECURITY and PWR_CR3 have no scope here on purpose: nothing can allow them.

from rescuelink.errors import ConsentError

ERASE = "erase"  # destroy the contents of the named sectors
PROGRAM = "program"  # write to blank flash words of the named sectors
OPTION_BYTES = "option-bytes"  # change option bytes other than the forbidden ones
WRITE_PROTECTION = "wrp"  # change which sectors the option bytes protect
RDP_REGRESSION = "rdp-regression"  # RDP 1 -> 0, which erases the whole user flash

_SCOPES = (ERASE, PROGRAM, OPTION_BYTES, WRITE_PROTECTION, RDP_REGRESSION)
_BY_SECTOR = (ERASE, PROGRAM)


class Consent:
    """Permission for `scopes`, limited to `sectors` (indices) where a scope is about sectors.

    by: "policy:" and the name of the job that allows it, or "operator:" and the deliberate act of a person, e.g.
    "operator:long press".
    """

    def __init__(self, scopes: tuple[str, ...], by: str, sectors: tuple[int, ...] = ()) -> None:
        for scope in scopes:
            if scope not in _SCOPES:
                raise ConsentError("unknown_scope", "nothing can allow '" + str(scope) + "'")
        origin, _, who = by.partition(":")
        if origin not in ("policy", "operator") or not who:
            raise ConsentError("no_origin", "consent comes from the job's policy or an operator, not from '" + by + "'")
        self.scopes = tuple(scopes)
        self.by = by
        self.sectors = tuple(sectors)

    def allows(self, scope: str, sector: int | None = None) -> bool:
        """Whether this consent covers `scope`, for `sector` where the scope is about sectors."""
        return scope in self.scopes and (scope not in _BY_SECTOR or sector in self.sectors)

    def require(self, scope: str, sector: int | None = None) -> None:
        """Raise ConsentError unless `allows`."""
        if not self.allows(scope, sector):
            where = "" if sector is None else " of sector " + str(sector)
            raise ConsentError("not_allowed", scope + where + " is not allowed by " + self.by)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types, for the journal and the record."""
        return {"scopes": list(self.scopes), "by": self.by, "sectors": list(self.sectors)}
