"""scikit-learn on the arrays. Needs: sklearn."""

from mnist1d.data import get_dataset_args, make_dataset
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

args = get_dataset_args()
args.num_samples = 600
data = make_dataset(args)
classifier = LogisticRegression(max_iter=200).fit(data["x"], data["y"])
accuracy = classifier.score(data["x_test"], data["y_test"])
# Without random_state it uses NumPy's global state.
x_fit, x_validation, y_fit, y_validation = train_test_split(data["x"], data["y"], test_size=0.2)
