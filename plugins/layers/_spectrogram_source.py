"""Source of spectrograms in both frameworks; it uses the functions of `_spectra`."""

TORCH = '''\
class Spectrogram(nn.Module):
    """How strong each frequency is: N × time × channels to N × frames × frequencies.

    A strided convolution with cosines and sines; `mel` are the arguments of mel_filters.
    """

    def __init__(
        self,
        n_fft,
        hop,
        window="hann",
        window_length=None,
        pads=(0, 0),
        mode="constant",
        mel=None,
        magnitude=False,
        scale="linear",
        floor=1e-6,
        picture=False,
    ):
        super().__init__()
        self.hop, self.pads, self.mode = hop, pads, mode
        self.magnitude, self.scale, self.floor = magnitude, scale, floor
        self.picture = picture
        kernel = fourier_kernel(n_fft, window, window_length or n_fft).T[:, None]
        filters = mel_filters(n_fft, **mel).T if mel else None
        for name, values in (("kernel", kernel), ("filters", filters)):
            values = None if values is None else torch.tensor(values)
            self.register_buffer(name, values, persistent=False)

    def forward(self, x):
        if torch.is_autocast_enabled(x.device.type):  # half precision is too coarse
            with torch.autocast(x.device.type, enabled=False):
                return self.forward(x.float())
        waves = x.movedim(-1, 1).flatten(0, 1)[:, None]
        waves = F.pad(waves, self.pads, self.mode)
        waves = F.conv1d(waves, self.kernel, stride=self.hop)
        cosines, sines = waves.chunk(2, dim=1)
        y = cosines**2 + sines**2
        if self.magnitude:
            y = y.clamp(min=1e-20).sqrt()
        if self.filters is not None:
            y = self.filters @ y
        if self.scale != "linear":
            y = y.clamp(min=self.floor).log()
        if self.scale == "decibel":
            y = y * ((20 if self.magnitude else 10) / 2.302585092994046)
        y = y.unflatten(0, (-1, x.shape[-1])).permute(0, 3, 2, 1)
        return y if self.picture else y.flatten(2)
'''

KERAS = '''\
@keras.saving.register_keras_serializable("workbench")
class Spectrogram(layers.Layer):
    """How strong each frequency is: N × time × channels to N × frames × frequencies.

    A strided convolution with cosines and sines; `mel` are the arguments of mel_filters.
    """

    def __init__(
        self,
        n_fft,
        hop,
        window="hann",
        window_length=None,
        pads=(0, 0),
        mode="constant",
        mel=None,
        magnitude=False,
        scale="linear",
        floor=1e-6,
        picture=False,
        **options,
    ):
        # Half precision is too coarse.
        super().__init__(**{"dtype": "float32", **options})
        self.config = dict(
            n_fft=n_fft,
            hop=hop,
            window=window,
            window_length=window_length,
            pads=pads,
            mode=mode,
            mel=mel,
            magnitude=magnitude,
            scale=scale,
            floor=floor,
            picture=picture,
        )
        kernel = fourier_kernel(n_fft, window, window_length or n_fft)
        self.kernel = kernel[:, None]
        self.filters = mel_filters(n_fft, **mel) if mel else None

    def call(self, x):
        config, channels = self.config, x.shape[-1]
        waves = ops.reshape(ops.transpose(x, (0, 2, 1)), (-1, ops.shape(x)[1], 1))
        if any(config["pads"]):
            pads = ((0, 0), tuple(config["pads"]), (0, 0))
            waves = ops.pad(waves, pads, mode=config["mode"])
        kernel = ops.convert_to_tensor(self.kernel)
        options = {"strides": config["hop"], "data_format": "channels_last"}
        waves = ops.conv(waves, kernel, **options)
        cosines, sines = ops.split(waves, 2, axis=-1)
        y = ops.square(cosines) + ops.square(sines)
        if config["magnitude"]:
            y = ops.sqrt(ops.maximum(y, 1e-20))
        if self.filters is not None:
            y = ops.matmul(y, ops.convert_to_tensor(self.filters))
        if config["scale"] != "linear":
            y = ops.log(ops.maximum(y, config["floor"]))
        if config["scale"] == "decibel":
            y = y * ((20 if config["magnitude"] else 10) / 2.302585092994046)
        y = ops.reshape(y, (-1, channels, ops.shape(y)[1], y.shape[-1]))
        y = ops.transpose(y, (0, 2, 3, 1))
        if config["picture"]:
            return y
        return ops.reshape(y, (-1, ops.shape(y)[1], y.shape[2] * channels))

    def compute_output_shape(self, input_shape):
        batch, steps, channels = input_shape
        config = self.config
        if steps is not None:
            steps = (steps + sum(config["pads"]) - config["n_fft"]) // config["hop"] + 1
        features = config["mel"]["bands"] if config["mel"] else config["n_fft"] // 2 + 1
        if config["picture"]:
            return (batch, steps, features, channels)
        return (batch, steps, features * channels)

    def get_config(self):
        return {**super().get_config(), **self.config}
'''
