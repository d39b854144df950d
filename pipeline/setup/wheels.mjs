/**
 * @typedef {object} Wheel
 * @property {string} name
 * @property {string} version
 * @property {string} sha256 of the wheel file
 * @property {number} fetchMb decimal megabytes to download
 * @property {number} keepMb decimal megabytes of the files taken
 * @property {RegExp} take names of the files taken
 */

/** @typedef {{ name: string, title: string, wheels: readonly Wheel[] }} WheelSet */

/** npm version whose native half each set replaces: the two must match. */
export const ONNXRUNTIME_VERSION = '1.30.0';

const TENSORFLOW_FILES =
  /^tensorflow\/(libtensorflow_(cc|framework)\.so\.2$|include\/(tensorflow\/c\/|tensorflow\/core\/platform\/ctstring|tsl\/platform\/ctstring|xla\/tsl\/c\/tsl_status\.h))/;
const LIBRARIES = /^nvidia\/[^/]+\/lib\/.*\.so[.\d]*$/;

/** @type {WheelSet} */
export const TENSORFLOW_CPU = {
  name: 'tensorflow-cpu',
  title: 'TensorFlow for CPU',
  wheels: [
    {
      name: 'tensorflow-cpu',
      version: '2.21.0',
      sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
      fetchMb: 274,
      keepMb: 854,
      take: TENSORFLOW_FILES,
    },
  ],
};

/**
 * The CUDA 12 wheels are the lowest version of every range in TensorFlow 2.21's own `and-cuda` list:
 * what it was built with, and 0.7 GB smaller than the newest.
 * @type {WheelSet}
 */
export const TENSORFLOW_GPU = {
  name: 'tensorflow-cuda12',
  title: 'TensorFlow for NVIDIA GPUs',
  wheels: [
    {
      name: 'tensorflow',
      version: '2.21.0',
      sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
      fetchMb: 572,
      keepMb: 1259,
      take: TENSORFLOW_FILES,
    },
    {
      name: 'nvidia-cuda-runtime-cu12',
      version: '12.5.82',
      sha256: '3e79a060e126df40fd3a068f3f787eb000fa51b251ec6cd97d09579632687115',
      fetchMb: 1,
      keepMb: 1,
      take: LIBRARIES,
    },
    {
      name: 'nvidia-nvjitlink-cu12',
      version: '12.5.82',
      sha256: 'f9b37bc5c8cf7509665cb6ada5aaa0ce65618f2332b7d3e78e9790511f111212',
      fetchMb: 21,
      keepMb: 55,
      take: LIBRARIES,
    },
    {
      name: 'nvidia-cublas-cu12',
      version: '12.5.3.2',
      sha256: 'ca070ad70e9fa6654084575d01bd001f30cc4665e33d4bb9fc8e0f321caa034b',
      fetchMb: 363,
      keepMb: 551,
      take: /\/libcublas(Lt)?\.so/,
    },
    {
      name: 'nvidia-cufft-cu12',
      version: '11.2.3.61',
      sha256: '9a6e8df162585750f61983a638104a48c756aa13f9f48e19ab079b38e3c828b8',
      fetchMb: 193,
      keepMb: 277,
      take: /\/libcufft\.so/,
    },
    {
      name: 'nvidia-cusparse-cu12',
      version: '12.5.1.3',
      sha256: '016df8e993c437e8301e62739f01775cba988fd5253cd4c64173f8e8d2f8e752',
      fetchMb: 218,
      keepMb: 296,
      take: LIBRARIES,
    },
    {
      name: 'nvidia-cusolver-cu12',
      version: '11.6.3.83',
      sha256: '93cfafacde4428b71778eeb092ec615a02a3d05404da1bcf91c53e3fa1bce42b',
      fetchMb: 130,
      keepMb: 128,
      take: /\/libcusolver\.so/,
    },
    {
      name: 'nvidia-cudnn-cu12',
      version: '9.3.0.75',
      sha256: '9ad9c6929ebb5295eb4a1728024666d1c88283373e265a0c5c883e6f9d5cd76d',
      fetchMb: 577,
      keepMb: 885,
      take: LIBRARIES,
    },
    {
      // For the engines that cuDNN compiles at run time.
      name: 'nvidia-cuda-nvrtc-cu12',
      version: '12.5.82',
      sha256: '3dbd97b0104b4bfbc3c4f8c79cd2496307c89c43c29a9f83125f1d76296ff3fd',
      fetchMb: 25,
      keepMb: 68,
      take: LIBRARIES,
    },
    {
      // For XLA only.
      name: 'nvidia-cuda-nvcc-cu12',
      version: '12.5.82',
      sha256: 'b03e545b8e8c3ce7ebcd7fc44063180ff52ff01d064ece2127ed90a04ef12cd0',
      fetchMb: 23,
      keepMb: 31,
      take: /\/(bin\/ptxas|nvvm\/libdevice\/.*)$/,
    },
  ],
};

/** @type {WheelSet} */
export const ONNXRUNTIME_GPU = {
  name: 'onnxruntime-cuda13',
  title: 'the CUDA provider of ONNX Runtime',
  wheels: [
    {
      name: 'onnxruntime-gpu',
      version: ONNXRUNTIME_VERSION,
      sha256: '4fbf0c5d7b5fb99266c2e8a802e3e64af68bdc383e0f3c7349b985f1087eedaa',
      fetchMb: 247,
      keepMb: 272,
      take: /capi\/libonnxruntime_providers_(cuda|shared)\.so$/,
    },
    {
      name: 'nvidia-cuda-runtime',
      version: '13.0.96',
      sha256: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
      fetchMb: 2,
      keepMb: 1,
      take: LIBRARIES,
    },
    {
      name: 'nvidia-cublas',
      version: '13.0.2.14',
      sha256: '0cf238ffdbe46c00cb9aa98e7bca745c223a5ca5a53e686ac8b3e5a08fe80d6c',
      fetchMb: 421,
      keepMb: 594,
      take: /\/libcublas(Lt)?\.so/,
    },
    {
      name: 'nvidia-curand',
      version: '10.4.0.35',
      sha256: '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc',
      fetchMb: 60,
      keepMb: 133,
      take: LIBRARIES,
    },
    {
      // Only teachers with convolutions, pooling or recurrence need it.
      name: 'nvidia-cudnn-cu13',
      version: '9.13.0.50',
      sha256: '2150b4850725d30653ec3e365f0732e3e2e3eb8633cf3bd2d3117628dea8b4f9',
      fetchMb: 349,
      keepMb: 468,
      take: LIBRARIES,
    },
    {
      name: 'nvidia-cuda-nvrtc',
      version: '13.0.88',
      sha256: 'ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575',
      fetchMb: 90,
      keepMb: 114,
      take: /\/libnvrtc(-builtins)?\.so/,
    },
  ],
};
