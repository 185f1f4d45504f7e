"""How good are classifiers of scikit-learn, compared with the models of the paper?"""

from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mnist1d.lab import SklearnCandidate, compare

CANDIDATES = {
    "SVM": SklearnCandidate(
        make_pipeline(StandardScaler(), SVC()), search={"svc__C": [0.3, 1.0, 3.0, 10.0, 30.0]}
    ),
    "neighbours": SklearnCandidate(
        KNeighborsClassifier(), search={"n_neighbors": [1, 3, 9, 27, 81]}
    ),
    "forest": RandomForestClassifier(),  # nothing is tuned
}


def main(**protocol):
    """Compare, print and return the comparison; `protocol` are fields of `mnist1d.lab.Protocol`."""
    comparison = compare(CANDIDATES, **protocol)
    print(comparison)
    return comparison


if __name__ == "__main__":
    main()
