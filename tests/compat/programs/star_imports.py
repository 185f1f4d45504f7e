"""Star imports, and what comes with them."""

from mnist1d.data import *
from mnist1d.transform import *
from mnist1d.utils import *

set_seed(3)
random_number = random.random()
signal = np.zeros(72)
noise = corr_noise_like(signal, 0.25)
same = gaussian_filter(noise, 2)
line = interp1d(np.arange(3), np.arange(3.0))(0.5)
figure = plt.figure()
path = os.path.join(".", "thing.pkl")
pickle.dumps(signal)
to_pickle(signal, path)
args = mnist1d.get_dataset_args()
args.num_samples = 20
data = make_dataset(args)
