// Made by `python -m mnist1d.explore.constants` from the Python package; do not edit.

/** The published configuration: every parameter of `DatasetConfig`. */
export const DEFAULTS = Object.freeze({
  num_samples: 5000,
  train_split: 0.8,
  template_len: 12,
  padding: [36, 60],
  scale_coeff: 0.4,
  max_translation: 48,
  corr_noise_scale: 0.25,
  iid_noise_scale: 0.02,
  shear_scale: 0.75,
  shuffle_seq: false,
  final_seq_length: 40,
  seed: 42,
  train: null,
  validation: 0,
  test: null,
  classes: null,
  class_proportions: null,
  stratified: false,
  label_noise: 0.0,
  label_noise_kind: "symmetric",
  positions: "original",
  positions_seed: null,
  templates: null,
  class_names: null,
  shifted_tests: {},
  dtype: "float64",
  channel_axis: false,
});

/** Parameters that decide a stream's samples. */
export const SHAPING = Object.freeze(["padding", "scale_coeff", "max_translation", "corr_noise_scale", "iid_noise_scale", "shear_scale", "final_seq_length", "seed", "classes", "class_proportions", "label_noise", "label_noise_kind", "positions", "positions_seed", "templates"]);

/** Those that a shifted set may change, with the same classes. */
export const SHIFTABLE = Object.freeze(["padding", "scale_coeff", "max_translation", "corr_noise_scale", "iid_noise_scale", "shear_scale"]);

/** Heights of the ten digits, 12 points each. */
export const TEMPLATES = Object.freeze([
  [0.0, 0.23693955110363696, 0.35540932665545544, 0.4146442144313647, 0.4738791022072739, 0.4738791022072739, 0.4738791022072739, 0.4738791022072739, 0.4146442144313647, 0.35540932665545544, 0.23693955110363696, 0.0],
  [0.0, -0.36986336072765463, -0.36986336072765463, -0.2958906885821237, -0.22191801643659279, -0.1479453442910618, -0.07397267214553098, 0.0, 0.07397267214553098, 0.1479453442910618, 0.0, 0.0],
  [0.0, 0.15936381457791915, 0.2390457218668787, 0.2390457218668787, 0.15936381457791915, 0.03984095364447979, -0.03984095364447979, -0.15936381457791915, -0.2390457218668787, -0.2390457218668787, -0.15936381457791915, 0.0],
  [0.0, 0.26726124191242445, 0.40089186286863665, 0.40089186286863665, 0.26726124191242445, 0.0, 0.0, 0.26726124191242445, 0.40089186286863665, 0.40089186286863665, 0.26726124191242445, 0.0],
  [0.0, -0.10599978800063593, -0.21199957600127206, -0.317999364001908, -0.42399915200254396, -0.42399915200254396, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, -0.247712448889053, -0.247712448889053, -0.247712448889053, -0.247712448889053, 0.0, 0.1238562244445265, 0.18578433666678976, 0.18578433666678976, 0.1238562244445265, -0.06192811222226325, 0.0],
  [0.0, -0.23693955110363696, -0.35540932665545544, -0.4146442144313647, -0.4738791022072739, -0.4738791022072739, -0.4738791022072739, -0.4738791022072739, -0.4146442144313647, -0.35540932665545544, -0.23693955110363696, 0.0],
  [0.0, 0.36986336072765463, 0.36986336072765463, 0.2958906885821236, 0.22191801643659279, 0.1479453442910618, 0.07397267214553098, 0.0, -0.07397267214553098, -0.1479453442910618, 0.0, 0.0],
  [0.0, -0.26726124191242445, -0.40089186286863665, -0.40089186286863665, -0.26726124191242445, 0.0, 0.0, -0.26726124191242445, -0.40089186286863665, -0.40089186286863665, -0.26726124191242445, 0.0],
  [0.0, -0.2858309752375147, -0.42874646285627205, -0.42874646285627205, -0.2858309752375147, 0.0, 0.0, 0.0, 0.0, -0.08574929257125435, -0.20008168266626036, 0.0],
]);

export const LABEL_NOISE_KINDS = Object.freeze(["symmetric", "other", "published"]);

/** Strengths and heights are at most of this size. */
export const LARGEST_STRENGTH = 1e+100;

/** Signals of a stream have at most so many points, before and after the final resampling. */
export const LARGEST_LENGTH = 4096;
