"""The virtual bench: chip, board, helper, card and scenarios, on one virtual clock."""
