"""Tensors, state dicts, models and tokenizers of PyTorch and transformers are stored safely."""

from collections import OrderedDict

import pytest
from round_trip import MATERIALIZERS

from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import read, write
from stackfold.domain.errors import ArtifactDamaged
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore
from stackfold.infrastructure.materializers import ALL, shipped
from stackfold.infrastructure.system.temporary_folder import TemporaryFolder

torch = pytest.importorskip("torch", reason="`make test-torch` installs torch")


@pytest.fixture
def store(tmp_path):
    return LocalArtifactStore(LocalArtifactStore.Configuration(), tmp_path)


@pytest.fixture
def round_trip(store):
    safe = Materializers(ALL, shipped.load, TemporaryFolder).without_pickles()

    def written_and_read(value, materializers=safe, chosen=""):
        artifact = write("output", value, store, materializers, chosen)
        return artifact, read(artifact, store, materializers)

    return written_and_read


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))


@pytest.mark.parametrize(
    "kind", ["float32", "float64", "float16", "bfloat16", "int64", "int8", "uint8", "bool"]
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_a_tensor(round_trip, kind, shape):
    tensor = torch.ones(shape).to(getattr(torch, kind))
    artifact, back = round_trip(tensor)
    assert (artifact.materializer, artifact.type) == ("safetensors", "torch.Tensor")
    assert artifact.metadata == {"shape": [*shape], "dtype": kind}
    assert (back.dtype, back.shape) == (tensor.dtype, tensor.shape)
    assert torch.equal(back, tensor)


def test_views_and_gradients(round_trip):
    tensor = torch.arange(6.0).reshape(2, 3).T.requires_grad_()
    _, back = round_trip(tensor)
    assert torch.equal(back, tensor)
    assert back.requires_grad


def test_a_state_dict_fits_the_module_that_it_is_of(round_trip):
    state = net().state_dict()
    artifact, back = round_trip(state)
    assert (artifact.materializer, artifact.metadata["tensors"]) == ("safetensors", 7)
    assert type(back) is OrderedDict
    assert [*back] == [*state]
    assert back._metadata == state._metadata
    assert all(torch.equal(back[name], state[name]) for name in state)
    other = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    other.load_state_dict(back)


def test_tensors_that_share_memory_are_equal_and_apart(round_trip):
    tensor = torch.ones(3)
    _, back = round_trip(OrderedDict(a=tensor, b=tensor))
    back["a"][0] = 5
    assert back["b"][0] == 1


def test_dictionaries_and_lists_of_tensors_are_collections(round_trip):
    artifact, back = round_trip({"a": torch.ones(2), "b": [torch.zeros(1), "text"]})
    assert artifact.materializer == "collection"
    assert torch.equal(back["b"][0], torch.zeros(1))


def test_a_dictionary_is_one_file_where_a_step_chooses_it(round_trip):
    artifact, back = round_trip({"a": torch.ones(2)}, chosen="safetensors")
    assert (artifact.materializer, artifact.files) == ("safetensors", None)
    assert (type(back), torch.equal(back["a"], torch.ones(2))) == (dict, True)


@pytest.mark.parametrize("kind", ["sparse", "complex", "module"])
def test_what_the_format_cannot_store_is_pickled(round_trip, kind):
    value = {
        "sparse": torch.eye(2).to_sparse(),
        "complex": torch.ones(2, dtype=torch.complex64),
        "module": net(),
    }[kind]
    artifact, back = round_trip(value, MATERIALIZERS)
    assert artifact.materializer == "cloudpickle"
    assert "torch" in artifact.versions
    assert type(back) is type(value)


def test_other_ordered_dictionaries_are_stored_as_before(round_trip):
    assert round_trip(OrderedDict(a=1), MATERIALIZERS)[0].materializer != "safetensors"
    assert round_trip(OrderedDict(), MATERIALIZERS)[0].materializer != "safetensors"


def test_damage_is_noticed(round_trip, store):
    artifact, _ = round_trip(torch.ones(2))
    with store.create() as file:
        file.write((2**60).to_bytes(8, "little") + b"{}")
    uri, digest, size = file.stored
    update = {"uri": uri, "digest": digest, "size": size}
    with pytest.raises(ArtifactDamaged, match="cannot be read"):
        read(artifact.model_copy(update=update), store, MATERIALIZERS)


# -- transformers


def bert():
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=16,
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config).eval()


def test_a_model_of_transformers_is_a_folder(round_trip):
    model = bert()
    artifact, back = round_trip(model)
    assert (artifact.materializer, artifact.files) == ("transformers", 2)
    assert artifact.metadata["architecture"] == "BertForSequenceClassification"
    asked = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        assert torch.allclose(back(asked).logits, model(asked).logits)
    weights = back.state_dict()
    assert all(torch.equal(weights[name], each) for name, each in model.state_dict().items())
    assert round_trip(back)[0].digest == artifact.digest


def test_a_tokenizer_of_transformers_is_a_folder(round_trip, tmp_path):
    transformers = pytest.importorskip("transformers")
    import tokenizers

    words = {"[UNK]": 0, "a": 1, "forest": 2}
    plain = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    plain.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="[UNK]")
    artifact, back = round_trip(tokenizer)
    assert (artifact.materializer, artifact.metadata) == ("transformers", {"vocabulary": 3})
    assert back("a forest b")["input_ids"] == [1, 2, 0]


def test_the_class_of_a_model_is_one_of_the_library(round_trip, store):
    artifact, _ = round_trip(bert())
    for name in ("os.system", "transformers.evil.BertModel", "transformers.pipeline"):
        with pytest.raises(ArtifactDamaged, match="has no class"):
            read(artifact.model_copy(update={"type": name}), store, MATERIALIZERS)


def test_a_model_of_a_class_of_ones_own_is_pickled(round_trip):
    model = bert()

    class Mine(type(model)):
        pass

    assert round_trip(Mine(model.config), MATERIALIZERS)[0].materializer == "cloudpickle"
