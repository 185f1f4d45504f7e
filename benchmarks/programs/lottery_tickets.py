"""The published amount of work of lottery tickets, in a type of products: `... PRODUCTS FOLDER`."""

import json
import sys
from pathlib import Path

from mnist1d.execution import Compute, Store
from mnist1d.experiments.lottery_tickets.claims import adjacency, searched_accuracy, studied
from mnist1d.experiments.lottery_tickets.config import NETWORKS, SEARCHES, STUDIES, Config
from mnist1d.experiments.lottery_tickets.method import run
from mnist1d.training import keep_compiled_programs, use_all_cores


def do_all(products, folder):
    """Run the experiment as the paper's code did, without what is beyond the paper."""
    use_all_cores()
    keep_compiled_programs()
    config = Config(seeds=2, protocol="published", controls=False, products=products)
    result = run(config, compute=Compute(Store(folder / "units")))
    found = {
        "search": {
            search: searched_accuracy(result, search).round(1).tolist() for search in SEARCHES
        },
        "studies": {
            study: {
                network: studied(study, network).per_seed(result).round(1).tolist()
                for network in NETWORKS
            }
            for study in STUDIES
        },
        "adjacency": {
            search: [
                (adjacency(search, length).per_seed(result) / 100).tolist() for length in (2, 3, 4)
            ]
            for search in SEARCHES
        },
    }
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    do_all(sys.argv[1], Path(sys.argv[2]))
