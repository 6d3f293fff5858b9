"""Mass recovery: stations, the records of every unit, and what is made of them (docs/depot.md).

models/       the tables
migrations/   how a store of an earlier version becomes one of this version (Alembic)
store.py      a store: SQLite by default, PostgreSQL by URL
ledger.py     what a site has learned, numbered and chained; every table can be made from it again
records/      sealed records read, judged and imported
forward.py    a site's ledger onto the store that several sites share
"""
