"""The tutorials as notebooks, which their pages offer."""

import json
from pathlib import Path

import notebooks
from website import sources

OFFER = """This page is a notebook: {{download}}`download it <{file}>`, and open it
[in Colab or Jupyter](../guides/notebooks.md#tutorials).
"""
"""A plain link would be taken for one to a page, which other notebooks are."""


def write_notebooks(out: Path) -> None:
    """Write the notebooks into a folder for Sphinx, and links to them into its pages."""
    for page in notebooks.pages():
        name = f"{sources.FILES}/notebooks/{page.stem}.ipynb"
        book = notebooks.notebook(page, notebooks.address())
        sources.write(out / name, json.dumps(book, indent=1, ensure_ascii=False) + "\n")
        place = out / "tutorials" / page.name
        offer = OFFER.format(file=f"../{name}")
        sources.write(place, notebooks.MARKED.sub(offer, place.read_text("utf-8")))
