"""Flash, its controller, and the option bytes."""
