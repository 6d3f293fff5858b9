"""Sealed records: one is read (`reading`), many are taken into a store (`taking`), cards are imported (`cards`)."""
