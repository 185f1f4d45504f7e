"""The templates and the steps of the transformation, drawn."""

import matplotlib.pyplot as plt
import numpy as np
from mnist1d.data import get_dataset_args, get_templates
from mnist1d.utils import plot_signals, set_seed

templates = get_templates()
x, t, y = templates["x"], templates["t"], templates["y"]
figures = [plot_signals(x, t, labels=y, ratio=1.33, dark_mode=True)]
figures.append(plot_signals(x, t, labels=y, ratio=1.33))
switches = [
    ("shear_scale", 0),
    ("iid_noise_scale", 0),
    ("corr_noise_scale", 0),
    ("max_translation", 1),
    ("scale_coeff", 0),
    ("padding", [60, 60]),
]
for i in range(1, 8):
    args = get_dataset_args()
    for name, value in switches[: 7 - i]:
        setattr(args, name, value)
    set_seed(0)
    figures.append(plot_signals(x, t, args=args, ratio=2.2, do_transform=True))
sizes = [figure.get_size_inches() for figure in figures]
drawn = [[line.get_xydata() for ax in f.axes for line in ax.lines] for f in figures]
limits = [[ax.get_xlim() + ax.get_ylim() for ax in f.axes] for f in figures]
titles = [[ax.get_title() for ax in f.axes] for f in figures]
places = [[ax.get_position().bounds for ax in f.axes] for f in figures]
colours = [[ax.get_facecolor() for ax in f.axes] for f in figures]
looks = [
    (line.get_color(), line.get_linewidth(), line.get_linestyle(), line.get_marker())
    for f in figures
    for line in f.axes[0].lines
]
pixels = [f.dpi for f in figures]
figures[-1].savefig("sequence.png")
print(plt.get_fignums())
images = []
for figure in figures:
    figure.canvas.draw()
    images.append(round(float(np.asarray(figure.canvas.buffer_rgba()).mean()), 2))
