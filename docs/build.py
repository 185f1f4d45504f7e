"""Build the site: `python docs/build.py OUT`.

Warnings are errors, and links between pages are followed. Nothing is fetched: only `--links`, which
follows the links to other sites, needs a network.
"""

import argparse
import hashlib
import os
import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import build_main
from website import check, commands, reference, results, sources, tutorials

from mnist1d.explore import write_site

ROOT = sources.ROOT
DOCS = ROOT / "docs"
WORK = ROOT / "build" / "docs"
"""What is made on the way: pages as Sphinx reads them, stored outputs of notebooks."""


def build(out: Path, *, run: bool = True, links: bool = False, work: Path = WORK) -> str:
    """Build the site into a folder.

    Args:
        out: the folder; what it holds is replaced, if it is a site.
        run: whether notebooks run, unless their outputs are stored.
        links: whether links to other sites are followed.
        work: folder for what is made on the way.

    Returns: what is wrong; empty if nothing is.
    """
    if out.exists() and any(out.iterdir()) and not (out / "objects.inv").is_file():
        return f"{out} has other files than a site"
    source, made = work / "source", work / "html"
    for folder in (source, made):
        shutil.rmtree(folder, ignore_errors=True)
    sources.stage(source)
    results.write_pages(source)
    reference.write_pages(source)
    commands.write_page(source)
    tutorials.write_notebooks(source)
    os.environ["MNIST1D_SITE_NOTEBOOKS"] = "cache" if run else "off"
    os.environ["MNIST1D_SITE_CACHE"] = str(work / "notebooks" / code_digest())
    folders = [str(ROOT / "examples"), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, folders))  # for the gallery
    arguments = ["--fail-on-warning", "--quiet", "--conf-dir", str(DOCS)]
    arguments += ["--doctree-dir", str(work / "doctrees"), str(source)]
    if build_main(["--builder", "html", *arguments, str(made)]):
        return f"what is wrong stands above; the pages are in {made} all the same"
    write_site(made / "explorer")
    if wrong := list(check.wrong_with(made.resolve())):
        return "\n".join(["the site has", *wrong])
    if links and build_main(["--builder", "linkcheck", *arguments, str(work / "links")]):
        return (
            "every link above leads nowhere, or its site cannot be reached from this machine; "
            f"links within the site are right, and its pages are in {made}"
        )
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(made, out)
    return ""


def code_digest() -> str:
    """Return a digest of the package's code, on which stored outputs of notebooks depend."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def main() -> None:
    """Build the site that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the site")
    parser.add_argument("--no-run", action="store_true", help="show notebooks without outputs")
    parser.add_argument("--links", action="store_true", help="follow the links to other sites")
    options = parser.parse_args()
    wrong = build(options.out, run=not options.no_run, links=options.links)
    if wrong:
        sys.exit(f"docs/build.py: {wrong}")
    sys.stdout.write(f"the site is in {options.out}; its first page is index.html\n")


if __name__ == "__main__":
    main()
