"""A record as something to read: `RESULTS.md`, a page per experiment, and all on one HTML page.

`reading` gathers what there is to say (`contents`), `render` puts it into templates, `pictures`
draws the figures.
Nothing is computed here that an experiment does not compute from its stored result.
"""

from mnist1d.report.contents import Report
from mnist1d.report.reading import read_report

__all__ = ["Report", "read_report"]
