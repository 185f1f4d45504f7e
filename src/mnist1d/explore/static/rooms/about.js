// What the dataset is, the paper, how to cite it, versions.

import { html } from "../vendor/htm-preact.js";
import { Copy } from "../app/controls.js";

const CITATION = `@inproceedings{greydanus2024scaling,
  title = {Scaling Down Deep Learning with {MNIST-1D}},
  author = {Greydanus, Sam and Kobak, Dmitry},
  booktitle = {Proceedings of the 41st International Conference on Machine Learning},
  year = {2024}
}`;

/** @param {{ about: import("../app/fields.js").About, phenomena: any }} props */
export function AboutRoom({ about, phenomena }) {
  const { table, seeds } = phenomena.shuffling;
  const [logistic, , cnn] = table.rows;
  return html`<div class="room text">
    <h1>About</h1>
    <p class="lead">MNIST-1D is a generated dataset of 40-point signals in ten classes, small enough that questions about
      deep learning are answered in minutes, without a GPU.</p>
    <p>The published set has 4,000 training and 1,000 test samples. In the package's record logistic
      regression reaches ${logistic[1]} % on its test set, a convolutional network ${cnn[1]} % (means of ${seeds} runs): unlike MNIST, it tells models that know about
      neighbourhood and translation from those that do not.</p>
    <p>It was introduced in <a href="https://arxiv.org/abs/2011.14439" rel="noreferrer">Scaling Down Deep Learning with MNIST-1D</a>,
      Greydanus and Kobak, ICML 2024. If you use it in research, please cite the paper:</p>
    <div class="code"><pre tabindex="0"><code>${CITATION}</code></pre><${Copy} label="Copy the citation" text=${CITATION} /></div>
    <h2>This page</h2>
    <p>It belongs to the package <code>mnist1d</code> ${about.version}, was made by <code>mnist1d explore</code>, works offline
      and sends nothing anywhere. Its samples are those of <code>mnist1d.stream.Stream</code> and <code>mnist1d.load()</code>,
      and results of models that you have not trained here are those of the package's record.</p>
    <p>The address holds everything that you set: a link is an experiment. For a lesson, a link can also hide
      parts: <code>hide=controls,templates</code> leaves out parts of the room (<code>controls</code>, <code>steps</code>, <code>templates</code>, <code>shift</code>, <code>copy</code>, <code>rooms</code>), <code>only=shear_scale,seed</code> shows these controls alone,
      and <code>note=...</code> puts a line above.</p>
    <h2>Keys</h2>
    <p>Tab and Shift+Tab move between controls, arrows change them and move between samples, Ctrl+Z undoes and Ctrl+Shift+Z redoes. In a test, the
      digits answer.</p>
  </div>`;
}
