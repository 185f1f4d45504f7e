"""The explorer: MNIST-1D in a browser, served from this machine or written as a static site.

Its page is plain HTML, CSS and ES modules in the folder `static`: what is there is what is served.
The numbers on it are the package's: the samples are those of `mnist1d.stream.Stream` and
`mnist1d.load`, parameters and results come from files that `docs/fill_explorer.py` makes of
`DatasetConfig` and of the record, and tests compare all of them with their sources.
"""

from mnist1d.explore.server import Explorer
from mnist1d.explore.site import STATIC, find_files, write_site

__all__ = ["STATIC", "Explorer", "find_files", "write_site"]
