"""The report of a record: `RESULTS.md`, a page per experiment, and one HTML page of all.

`reading` collects the contents (`contents`), `render` puts them into templates, `pictures` draws
the figures. All numbers are those that experiments compute from their stored results.
"""

from mnist1d.report.contents import Report
from mnist1d.report.reading import read_report

__all__ = ["Report", "read_report"]
