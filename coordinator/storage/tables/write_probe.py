"""One row that is written to see whether anything can be."""

from sqlalchemy.orm import Mapped, mapped_column

from coordinator.storage.engine.base import Base, Micros


class WriteProbeRow(Base):
    """The row that readiness writes over and over; what stands in it means nothing."""

    __tablename__ = "write_probe"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Micros]
