"""Jobs as engineers release them: a document and an image under a name and a version."""

from sqlalchemy import LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import Base, Moment, Name, OptionalBig, Sentence, Sha256


class JobDocument(Base):
    """A job.json as it was published, and the image that it names."""

    __tablename__ = "job_documents"

    sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    image_sha256: Mapped[Sha256]
    image: Mapped[bytes] = mapped_column(LargeBinary)


class Release(Base):
    """A published version. `allowance`: how many units it may recover; None is any number.

    `manifest`: what its engineer has signed (rescuelink.manifest); None: nobody has.
    """

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("job", "version"),)

    id: Mapped[Name] = mapped_column(primary_key=True)
    job: Mapped[Name]
    version: Mapped[int]
    document_sha256: Mapped[Sha256]
    allowance: Mapped[OptionalBig]
    note: Mapped[Sentence]
    released_at: Mapped[Moment]
    released_by: Mapped[Name]
    manifest: Mapped[str | None] = mapped_column(Text)


class JobHead(Base):
    """Which version of a job is in force; a rollback sets it to an earlier one."""

    __tablename__ = "job_heads"

    job: Mapped[Name] = mapped_column(primary_key=True)
    version: Mapped[int]
    set_at: Mapped[Moment]
    set_by: Mapped[Name]
