"""Published numbers on lottery tickets, to be compared with ours by the same protocol.

From the authors' notebook of 2024 for section 5.1 of the paper: accuracies in per cent of two
trials, at the last evaluation, and adjacency.
"""

import numpy as np

# Round -> (lottery, random), trials 0 and 1 each.
SEARCH = {
    0: ((66.4, 64.8), (60.6, 61.4)),
    5: ((64.5, 61.9), (66.3, 64.1)),
    10: ((66.0, 65.7), (64.1, 65.3)),
    15: ((64.6, 64.9), (64.0, 65.0)),
    20: ((64.9, 64.9), (61.9, 64.0)),
    25: ((66.5, 65.6), (66.6, 64.1)),
    30: ((64.4, 67.1), (63.7, 64.0)),
    35: ((65.7, 67.5), (62.2, 65.8)),
    40: ((66.0, 65.4), (62.3, 64.8)),
    45: ((66.5, 66.4), (64.0, 65.4)),
    50: ((67.4, 65.0), (63.8, 61.7)),
    55: ((67.0, 66.9), (62.8, 65.1)),
    60: ((71.4, 67.9), (65.8, 65.5)),
    65: ((69.3, 67.9), (66.0, 63.9)),
    70: ((69.2, 70.4), (66.7, 67.2)),
    75: ((72.8, 69.9), (68.8, 64.9)),
    80: ((71.2, 70.5), (64.3, 65.4)),
    85: ((72.0, 74.1), (64.9, 66.0)),
    86: ((72.6, 68.7), (65.4, 66.1)),
    87: ((73.7, 74.5), (65.1, 62.6)),
    88: ((73.1, 71.9), (63.3, 63.9)),
    89: ((74.3, 74.1), (60.5, 65.7)),
    90: ((75.0, 72.4), (62.3, 60.6)),
    91: ((75.6, 74.4), (60.6, 61.8)),
    92: ((71.7, 70.0), (59.4, 61.9)),
    93: ((70.4, 70.3), (55.5, 60.4)),
    94: ((69.2, 70.5), (55.9, 54.6)),
    95: ((69.3, 71.5), (51.5, 49.9)),
    96: ((68.1, 67.3), (41.2, 43.7)),
    97: ((63.0, 63.8), (34.6, 27.2)),
    98: ((41.9, 41.5), (16.7, 15.4)),
    99: ((10.2, 10.2), (10.2, 10.2)),
}
SPANS = {"0 to 20": (0, 20), "25 to 75": (25, 75), "80 to 94": (80, 94), "95 to 98": (95, 98)}
# Study -> (dense, lottery, random), trials 0 and 1 each, after 6,000 steps.
STUDIES = {
    "original": ((64.2, 64.2), (64.9, 66.8), (61.5, 58.4)),
    "flipped": ((63.0, 63.1), (61.8, 63.8), (60.9, 59.6)),
    "shuffled": ((63.1, 64.4), (63.0, 62.6), (61.9, 59.5)),
    "chunked": ((65.3, 62.9), (61.3, 62.4), (59.4, 59.0)),
    "re-initialised": ((63.3, 64.2), (64.7, 66.3), (60.8, 60.1)),
}
# Runs of two and of three neighbours, per unit and position, of trial 0, with the standard error
# over its 500 units; that of four is a slip.
ADJACENCY = {
    "lottery": ((0.00930, 0.00109), (0.00235, 0.00059)),
    "random": ((0.00560, 0.00055), (0.00015, 0.00009)),
}


def comparison(found):
    """Compare what was found by the published protocol with what the paper's code found.

    Args:
        found: what `lottery_tickets.do_all` wrote.

    Returns: a row per quantity: the means (of two trials each, in per cent; of one published trial,
        if it is adjacency), their difference, and its standard error, from the spread between
        trials, pooled over the quantities of a kind (of adjacency, from that between units).
    """
    pairs = {}
    for column, search in enumerate(("lottery", "random")):
        ours = np.array(found["search"][search])
        for span, (first, last) in SPANS.items():
            rounds = [i for i in SEARCH if first <= i <= last]
            theirs = np.array([SEARCH[i][column] for i in rounds])
            pairs["search", f"{search}, rounds {span}"] = (
                theirs.mean(axis=0),
                ours[:, rounds].mean(axis=1),
            )
    for study, published in STUDIES.items():
        for network, theirs in zip(("dense", "lottery", "random"), published, strict=True):
            ours = found["studies"][study][network]
            pairs["study", f"{study}, {network}"] = np.array(theirs), np.array(ours)
    rows = []
    for (kind, quantity), (theirs, ours) in pairs.items():
        variances = [
            np.var(each, ddof=1)
            for (other, _), both in pairs.items()
            if other == kind
            for each in both
        ]
        error = np.sqrt(np.mean(variances) * (1 / len(theirs) + 1 / len(ours)))
        rows.append(_row(f"{kind}: {quantity}", np.mean(theirs), np.mean(ours), error, 2))
    for search, published in ADJACENCY.items():
        for length, (theirs, error), ours in zip(
            ("two", "three"), published, found["adjacency"][search], strict=False
        ):
            what = f"adjacency: {search}, {length}"
            error_of_both = error * np.sqrt(1 + 1 / len(ours))
            rows.append(_row(what, theirs, np.mean(ours), error_of_both, 5))
    return rows


def _row(what, published, ours, error, digits):
    numbers = {
        "published": published,
        "ours": ours,
        "difference": ours - published,
        "standard_error": error,
    }
    return {"what": what} | {name: round(float(value), digits) for name, value in numbers.items()}
