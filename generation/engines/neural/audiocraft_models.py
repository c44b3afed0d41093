"""Checkpoints in audiocraft's format, loaded without running what is in them and without the network.

audiocraft's own loaders fetch what they miss by name (T5, Demucs, EnCodec); here each of them comes from a folder
that is known (`places`), or the error says which one to fetch. torch is imported inside functions only.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from generation.engines.base import EngineError
from generation.engines.neural import devices, separating, warm
from generation.engines.neural.catalogue import CODEC_FILE, EFFECTS, LM, MELODY, MODELS, Model
from generation.engines.neural.devices import Device
from generation.engines.neural.hashing import weights_sha256
from generation.engines.neural.places import Place, damaged, placed

_loading = threading.RLock()  # names inside audiocraft are replaced while a model is built


@dataclass(frozen=True)
class Loaded:
    """A model ready to work. net: audiocraft's MusicGen or AudioGen, in eval mode on `device`."""

    model: Model
    place: Place
    net: Any
    device: Device
    sha256: str

    @property
    def melody(self) -> bool:
        return "self_wav" in self.net.lm.condition_provider.conditioners


def load(name: str, device: Device | None = None, tick: Callable[[], None] = lambda: None) -> Loaded:
    """The model of this name, warm or loaded now. tick: called in between; may raise to stop.

    Raises EngineError (ModelMissing) with a sentence when weights are missing, damaged or of another model.
    """
    quiet()
    device = device or devices.chosen()
    place = placed(name)
    for needed in place.model.needs:
        placed(needed)
    sha256 = weights_sha256(place, tick)
    tick()
    # Small networks in memory are about as large as their files; 32 bit takes twice what 16 bit files do.
    expected = sum(place.file(file).stat().st_size for file in place.model.files)
    return warm.model(
        (name, sha256, device, separating.is_here()),
        lambda: Loaded(place.model, place, _build(place, device, tick), device, sha256),
        lambda loaded: _bytes_of(loaded.net),
        devices.room(device),
        expected if device.half else 2 * expected,
    )


def load_codec(name: str, device: Device | None = None, tick: Callable[[], None] = lambda: None) -> Any:
    """EnCodec alone, as audiocraft's CompressionModel: `encodec-32khz`, or the one inside any other checkpoint."""
    quiet()
    device = device or devices.chosen()
    place = placed(name)
    sha256 = weights_sha256(place, tick)
    return warm.model(
        ("codec", name, sha256, device),
        lambda: _compression(place, device),
        lambda net: sum(one.numel() * one.element_size() for one in net.parameters()),
        devices.room(device),
    )


def read_checkpoint(place: Place, file: str) -> dict[str, Any]:
    """What torch saved, tensors and plain values only: a file that wants to run code is refused."""
    import pickle
    from zipfile import BadZipFile

    import torch

    path = place.file(file)
    if not path.is_file():
        placed(place.model.name)  # says what is missing
        raise damaged(place.model.name, file, "it is not there")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        why = "it holds something other than weights, which is never run"
        if "weights_only" not in str(error).lower() and "Unsupported" not in str(error):
            why = "it cannot be read"
        raise damaged(place.model.name, file, why) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, BadZipFile) as error:
        raise damaged(place.model.name, file, "it cannot be read to its end") from error
    if not isinstance(found, dict):
        raise damaged(place.model.name, file, "it is no checkpoint of audiocraft")
    return found


def quiet() -> None:
    """What these libraries say of themselves does not belong in a worker's log. Called before they are imported."""
    for name in ("xformers", "audiocraft"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*weight_norm.*", category=FutureWarning)
    from transformers.utils import logging as transformers_log

    transformers_log.disable_progress_bar()


# --- building ---------------------------------------------------------------------------------------


def _build(place: Place, device: Device, tick: Callable[[], None]) -> Any:
    from audiocraft.models import AudioGen, MusicGen

    kind = AudioGen if place.model.kind == EFFECTS else MusicGen
    with (
        _loading,
        _local_parts(place),
        devices.readable_failures(
            f"{place.model.label} is too large for this machine. Choose a smaller model."
        ),
    ):
        lm = _language_model(place, device)
        tick()
        codec = _compression(place, device)
        tick()
        conditioners = lm.condition_provider.conditioners
        if "self_wav" in conditioners:
            conditioners["self_wav"].match_len_on_eval = True
            conditioners["self_wav"]._use_masking = False
            if not separating.is_here():
                separating.take_as_is(conditioners["self_wav"])
        net = kind(place.model.name, codec, lm)
    _same_model(place, net)
    return net


def _config(place: Place, file: str, found: dict[str, Any], device: Device) -> Any:
    from omegaconf import OmegaConf

    if not isinstance(found.get("xp.cfg"), str) or not isinstance(found.get("best_state"), dict):
        raise damaged(place.model.name, file, "it is no checkpoint of audiocraft")
    try:
        config = OmegaConf.create(found["xp.cfg"])
    except Exception as error:
        raise damaged(place.model.name, file, "its configuration cannot be read") from error
    config.device = device.name
    config.dtype = "float16" if device.half else "float32"
    return config


def _language_model(place: Place, device: Device) -> Any:
    from audiocraft.models import builders
    from audiocraft.models.loaders import _delete_param

    found = read_checkpoint(place, LM)
    config = _config(place, LM, found, device)
    for name in ("self_wav.chroma_stem.cache_path", "args.merge_text_conditions_p", "args.drop_desc_p"):
        _delete_param(config, f"conditioners.{name}")
    lm = _made(place, LM, lambda: builders.get_lm_model(config))
    _filled(place, LM, lm, found["best_state"])
    lm.cfg = config
    return lm


def _compression(place: Place, device: Device) -> Any:
    from audiocraft.models import builders

    if CODEC_FILE not in place.model.files:
        return _hub_encodec(place, device)
    found = read_checkpoint(place, CODEC_FILE)
    if "pretrained" in found:  # only a pointer to EnCodec as it was published by itself
        return _hub_encodec(placed("encodec-32khz"), device)
    config = _config(place, CODEC_FILE, found, device)
    codec = _made(place, CODEC_FILE, lambda: builders.get_compression_model(config))
    return _filled(place, CODEC_FILE, codec, found["best_state"])


def _hub_encodec(place: Place, device: Device) -> Any:
    """EnCodec in the hub's own format, behind audiocraft's interface."""
    from audiocraft.models.encodec import HFEncodecCompressionModel
    from transformers import EncodecModel

    try:
        net = EncodecModel.from_pretrained(place.folder, local_files_only=True, use_safetensors=True)
    except Exception as error:
        raise damaged(place.model.name, "model.safetensors", "it cannot be read") from error
    return HFEncodecCompressionModel(net).to(device.name).eval()


def _made(place: Place, file: str, build: Callable[[], Any]) -> Any:
    """A network of the configuration in a checkpoint, which somebody else wrote."""
    from omegaconf.errors import OmegaConfBaseException

    try:
        return build()
    except (OmegaConfBaseException, KeyError, TypeError, ValueError, AssertionError, AttributeError) as error:
        raise damaged(
            place.model.name, file, "its configuration does not describe a known network"
        ) from error


def _filled(place: Place, file: str, net: Any, state: dict[str, Any]) -> Any:
    try:
        net.load_state_dict(state)
    except (RuntimeError, AttributeError, TypeError) as error:
        raise damaged(place.model.name, file, "its weights do not fit its configuration") from error
    return net.eval()


def _same_model(place: Place, net: Any) -> None:
    """Whether the weights are what the folder's name says: a melody model, stereo, of this rate."""
    model = place.model
    if ("self_wav" in net.lm.condition_provider.conditioners) != (model.kind == MELODY):
        wanted = "it takes no melody" if model.kind == MELODY else "it is a melody model"
        raise damaged(model.name, LM, wanted)
    if net.audio_channels != model.channels:
        raise damaged(model.name, LM, f"it makes {'stereo' if net.audio_channels == 2 else 'mono'} sound")
    if net.sample_rate != model.sample_rate:
        raise damaged(model.name, CODEC_FILE, f"its sound has {net.sample_rate} Hz, not {model.sample_rate}")
    if (
        net.lm.num_codebooks != net.compression_model.num_codebooks
        or net.lm.card != net.compression_model.cardinality
    ):
        raise damaged(model.name, CODEC_FILE, "it does not belong to the network beside it")


def _bytes_of(net: Any) -> int:
    parts = [*net.lm.parameters(), *net.compression_model.parameters()]
    for conditioner in net.lm.condition_provider.conditioners.values():
        if (
            t5 := conditioner.__dict__.get("t5")
        ) is not None:  # not one of its modules, so it is not saved either
            parts += list(t5.parameters())
    return sum(part.numel() * part.element_size() for part in parts)


# --- what audiocraft would fetch --------------------------------------------------------------------


@contextlib.contextmanager
def _local_parts(place: Place) -> Iterator[None]:
    """While a model is built: T5 from its folder, and a separator that was put here (`separating`) or none."""
    from audiocraft.modules import conditioners
    from demucs import pretrained

    kept: tuple[Any, Any, Any] = conditioners.T5Tokenizer, conditioners.T5EncoderModel, pretrained.get_model
    conditioners.T5Tokenizer = _Here(kept[0])
    conditioners.T5EncoderModel = _Here(kept[1])
    pretrained.get_model = separating.separator_for_conditioner  # type: ignore[assignment]
    try:
        yield
    finally:
        conditioners.T5Tokenizer, conditioners.T5EncoderModel, pretrained.get_model = kept


class _Here:
    """`from_pretrained(name)` of a transformers class, from the folder of that name on this machine only."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def from_pretrained(self, name: str) -> Any:
        short = name.split("/")[-1]
        if short not in MODELS:
            raise EngineError(f"This checkpoint reads text with {name}, which is not known here.")
        place = placed(short)
        try:
            return self.kind.from_pretrained(place.folder, local_files_only=True)
        except Exception as error:
            raise damaged(short, "its tokenizer or weights", "they cannot be read") from error
