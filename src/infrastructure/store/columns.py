"""How columns look in every table of ours: times are seconds since the epoch, JSON is UTF-8 bytes, amounts of money are text."""

from sqlalchemy import BigInteger, Column, ColumnElement, Double, Index, Integer, LargeBinary, MetaData, Text, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Name = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared byte by byte on every database: pages and versions have one order."""
Number = BigInteger().with_variant(Integer, "sqlite")


def partial_index(name: str, *columns: str | ColumnElement[object], where: str | ColumnElement[bool], unique: bool = False) -> Index:
    """Of the rows only for which `where` holds, on both databases."""
    holds = text(where) if isinstance(where, str) else where
    return Index(name, *columns, unique=unique, postgresql_where=holds, sqlite_where=holds)


def text_column(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Name, primary_key=key, nullable=null)


def seconds_column(name: str, *, key: bool = False, null: bool = False) -> Column[float]:
    return Column(name, Double, primary_key=key, nullable=null)


def json_column(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def count_column(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, autoincrement=False, nullable=False)


def number_column() -> Column[int]:
    """Grows with every row, and is never given twice."""
    return Column("number", Number, primary_key=True, autoincrement=True)
