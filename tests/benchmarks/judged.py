"""How a bench shows a figure that has to be something."""


def judged(figure: float, good: bool, digits: int = 2) -> str:
    """The figure, in red when it is not what it has to be."""
    text = f"{figure:.{digits}f}"
    return text if good else f"[bold red]{text}[/]"
