"""The ledger: what a site has learned or decided, in the order in which it did."""

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import Base, Big, Moment, Name, Sha256


class Site(Base):
    """A host with its own store and ledger, in the tables called a bench. `own`: this store is that site's own."""

    __tablename__ = "benches"

    id: Mapped[Name] = mapped_column(primary_key=True)
    name: Mapped[Name]
    own: Mapped[bool]
    first_seen: Mapped[Moment]


class LedgerEntry(Base):
    """Entries of a site are numbered from 1 without a gap; `hash` covers the entry and the hash before it.

    `body` is JSON. The sealed line of an attempt is not in it but named by its hash, and lies in `sealed_lines`.
    """

    __tablename__ = "ledger"

    bench: Mapped[Name] = mapped_column(primary_key=True)
    number: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Moment]
    kind: Mapped[Name]
    body: Mapped[str] = mapped_column(Text)
    hash: Mapped[Sha256]
