"""What a real helper and a real unit say of the facts that no silicon has confirmed (docs/silicon-check.md)."""
