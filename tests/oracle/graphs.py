"""
The graphs that the tests load, made with full TensorFlow. Only child processes import this.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tests.oracle.cases import TYPES

v1 = tf.compat.v1

# TensorFlow ships no annotations: these names are for the reader.
Tensor = Any
Tensors = dict[str, Tensor]
Graph = tuple[Tensors, Tensors, Any]  # inputs, outputs, init op or None


def save_all(root: Path) -> None:
    """Write each graph as a SavedModel to a directory of its name under `root`."""
    for name, build in BUILDERS.items():
        build(root / name)


def _spec(*shape: int | None, dtype: object = tf.float32) -> object:
    return tf.TensorSpec(shape, dtype)


def _save(directory: Path, module: object, **signatures: object) -> None:
    tf.saved_model.save(module, str(directory), signatures=signatures)


def _function(function: Callable[..., Tensors], **inputs: object) -> object:
    return tf.function(function).get_concrete_function(**inputs)


def _weights(*shape: int) -> Tensor:
    values = np.random.default_rng(sum(shape)).standard_normal(shape) / np.sqrt(shape[0])
    return tf.Variable(values.astype(np.float32))


def half_plus_two(directory: Path) -> None:
    module = tf.Module()
    module.a, module.b = tf.Variable(0.5), tf.Variable(2.0)
    call = _function(lambda x: {"y": module.a * x + module.b}, x=_spec(None, 1))
    _save(directory, module, serving_default=call)


def two_inputs(directory: Path) -> None:
    def call(a: Tensor, b: Tensor) -> Tensors:
        return {"sum": tf.cast(a, tf.float64) + b, "squares": a * a, "largest": tf.reduce_max(b)}

    signature = _function(call, a=_spec(None, 3, dtype=tf.int32), b=_spec(3, dtype=tf.float64))
    _save(directory, tf.Module(), serving_default=signature)


def signatures(directory: Path) -> None:
    module = tf.Module()
    module.nine = tf.Variable(9.0)
    _save(
        directory,
        module,
        serving_default=_function(lambda x: {"y": x / module.nine}, x=_spec()),
        doubled=_function(lambda value: {"twice": value * 2}, value=_spec(None, dtype=tf.int64)),
        constant=_function(lambda: {"pi": tf.constant(np.pi, tf.float64), "nine": module.nine + 0}),
    )


def types(directory: Path) -> None:
    def call(**inputs: Tensor) -> Tensors:
        return {f"{name}_twice": tf.concat([x, x], 0) for name, x in inputs.items()} | {
            f"{name}_sum": x + x for name, x in inputs.items() if name != "bool"
        }

    specs = {name: _spec(None, dtype=tf.as_dtype(array.dtype)) for name, array in TYPES.items()}
    plain = {name: spec for name, spec in specs.items() if "complex" not in name}
    _save(
        directory,
        tf.Module(),
        serving_default=_function(call, **specs),
        without_complex=_function(call, **plain),
    )


def ranks(directory: Path) -> None:
    def call(**inputs: Tensor) -> Tensors:
        return {f"{name}_turned": tf.transpose(x) * 2 for name, x in inputs.items()} | {
            f"{name}_sum": tf.reduce_sum(x) for name, x in inputs.items()
        }

    specs = {f"rank_{rank}": _spec(*[None] * rank) for rank in range(5)}
    _save(directory, tf.Module(), serving_default=_function(call, **specs))


def strings(directory: Path) -> None:
    def call(text: Tensor) -> Tensors:
        return {
            "same": tf.identity(text),
            "upper": tf.strings.upper(text),
            "length": tf.strings.length(text),
            "joined": tf.strings.reduce_join(text, separator=b"\0"),
        }

    _save(
        directory, tf.Module(), serving_default=_function(call, text=tf.TensorSpec(None, tf.string))
    )


def lookup_table(directory: Path) -> None:
    vocabulary = directory.with_suffix(".txt")
    vocabulary.write_text("cat\ndog\nbird\n")
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        default_value=-1,
    )
    call = _function(
        lambda word: {"id": module.table.lookup(word)}, word=_spec(None, dtype=tf.string)
    )
    _save(directory, module, serving_default=call)
    vocabulary.unlink()  # the SavedModel has its own


def tf1_variables(directory: Path) -> None:
    """Reference variables, which SINGLE_THREADED_EXECUTOR refuses, and a table with an init op."""

    def build() -> Graph:
        x = v1.placeholder(tf.float32, [None, 3], "x")
        values = np.random.default_rng(1).standard_normal((3, 2)).astype(np.float32)
        w = v1.get_variable("w", initializer=values, use_resource=False)
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer([0, 1], ["zero", "one"]), "?"
        )
        y = tf.matmul(x, w)
        name = table.lookup(tf.cast(tf.argmax(y, 1), tf.int32))
        return {"x": x}, {"y": y, "name": name}, v1.tables_initializer()

    _save_v1(directory, build)


def tf1_loop(directory: Path) -> None:
    """TF1 control flow: Enter, Exit, Switch and Merge operations."""

    def build() -> Graph:
        v1.disable_control_flow_v2()
        x = v1.placeholder(tf.int32, [], "x")
        _, product = v1.while_loop(
            lambda n, _: n > 1, lambda n, product: (n - 1, product * n), (x, tf.constant(1))
        )
        return {"x": x}, {"factorial": product}, None

    _save_v1(directory, build)


def passthrough(directory: Path) -> None:
    """Two names for one input, two for one output, and an output that is an input's tensor."""

    def build() -> Graph:
        x = v1.placeholder(tf.float32, [None], "x")
        y = x * 2
        return {"x": x, "also_x": x}, {"y": y, "also_y": y, "input": x}, None

    _save_v1(directory, build)


def _save_v1(directory: Path, build: Callable[[], Graph]) -> None:
    anywhere = v1.ConfigProto(allow_soft_placement=True)
    with tf.Graph().as_default(), v1.Session(config=anywhere) as session:
        inputs, outputs, init = build()
        session.run(v1.global_variables_initializer())
        _save_session(directory, session, init, serving_default=(inputs, outputs))


def _save_session(
    directory: Path, session: object, init: object = None, **signatures: tuple[Tensors, Tensors]
) -> None:
    predict = v1.saved_model.signature_def_utils.predict_signature_def
    builder = v1.saved_model.builder.SavedModelBuilder(str(directory))
    builder.add_meta_graph_and_variables(
        session,
        ["serve"],
        signature_def_map={name: predict(*tensors) for name, tensors in signatures.items()},
        main_op=init,
    )
    builder.save()


def conv(directory: Path) -> None:
    module = tf.Module()
    module.kernel, module.bias, module.out = _weights(3, 3, 3, 16), _weights(16), _weights(3600, 10)

    def call(image: Tensor) -> Tensors:
        hidden = tf.nn.relu(tf.nn.conv2d(image, module.kernel, 1, "VALID") + module.bias)
        pooled = tf.reshape(tf.nn.max_pool2d(hidden, 2, 2, "VALID"), [-1, 3600])
        return {"logits": pooled @ module.out, "hidden": hidden}

    _save(directory, module, serving_default=_function(call, image=_spec(None, 32, 32, 3)))


def dense(directory: Path) -> None:
    module = tf.Module()
    module.one, module.two = _weights(784, 512), _weights(512, 10)

    def call(x: Tensor) -> Tensors:
        return {"probabilities": tf.nn.softmax(tf.nn.relu(x @ module.one) @ module.two)}

    _save(directory, module, serving_default=_function(call, x=_spec(None, 784)))


def unknown_rank(directory: Path) -> None:
    call = _function(
        lambda x: {"shape": tf.shape(x), "sum": tf.reduce_sum(x), "twice": x * 2},
        x=tf.TensorSpec(None, tf.float32),
    )
    _save(directory, tf.Module(), serving_default=call)


def parse_example(directory: Path) -> None:
    """Refuses an empty string: a feature is required."""
    feature = {"x": tf.io.FixedLenFeature([1], tf.float32)}
    call = _function(
        lambda example: {"y": tf.io.parse_example(example, feature)["x"] / 2 + 2},
        example=_spec(None, dtype=tf.string),
    )
    _save(directory, tf.Module(), serving_default=call)


def examples(directory: Path) -> None:
    """Signatures for classify and regress, as a TF1 estimator exports them."""
    names = v1.saved_model.signature_constants
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, [None], "serialized")
        features = tf.io.parse_example(
            serialized,
            {
                "x": tf.io.FixedLenFeature([], tf.float32),
                "tags": tf.io.VarLenFeature(tf.string),
                "bonus": tf.io.FixedLenFeature([], tf.int64, 0),
            },
        )
        x = features["x"] + tf.cast(features["bonus"], tf.float32)
        scores = tf.stack([x, -x], axis=1)
        classes = tf.tile([["up", "down"]], [tf.shape(x)[0], 1])
        tags = tf.sparse.to_dense(features["tags"])
        outputs = {
            names.DEFAULT_SERVING_SIGNATURE_DEF_KEY: {"classes": classes, "scores": scores},
            "classes": {"classes": classes},
            "scores": {"scores": scores},
            "tags": {"classes": tags},
            "vector": {"outputs": x},
            "column": {"outputs": x[:, tf.newaxis]},
            "matrix": {"outputs": scores},
            "first": {"outputs": x[:1]},
            "whole": {"outputs": tf.cast(x, tf.int32)},
            "flat": {"scores": x},
            "three": {"classes": classes, "scores": scores, "more": x},
            "other": {"y": x},
        }
        infos = v1.saved_model.build_tensor_info
        regress = {"vector", "column", "matrix", "first", "whole"}
        definitions = {
            name: v1.saved_model.build_signature_def(
                {"inputs": infos(serialized)},
                {key: infos(tensor) for key, tensor in tensors.items()},
                names.REGRESS_METHOD_NAME if name in regress else names.CLASSIFY_METHOD_NAME,
            )
            for name, tensors in outputs.items()
        }
        definitions["misnamed"] = v1.saved_model.build_signature_def(
            {"examples": infos(serialized)},
            {"outputs": infos(x), "scores": infos(scores)},
            "tensorflow/serving/other",
        )
        builder = v1.saved_model.builder.SavedModelBuilder(str(directory))
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=definitions)
        builder.save()


def counter(directory: Path) -> None:
    module = tf.Module()
    module.count = tf.Variable(0, dtype=tf.int64)
    call = _function(lambda by: {"count": module.count.assign_add(by)}, by=_spec(dtype=tf.int64))
    _save(directory, module, increment=call)


def counter_v1(directory: Path) -> None:
    """Signatures without inputs, which REST has no form for, over a reference variable."""
    with tf.Graph().as_default(), v1.Session() as session:
        count = v1.get_variable("count", initializer=0.0, use_resource=False)
        delta = v1.placeholder(tf.float32, [], "delta")
        session.run(v1.global_variables_initializer())
        info = v1.saved_model.utils.build_tensor_info
        definition = v1.saved_model.signature_def_utils.build_signature_def

        def signature(output: Tensor, **inputs: Tensor) -> object:
            infos = {name: info(tensor) for name, tensor in inputs.items()}
            method = v1.saved_model.signature_constants.PREDICT_METHOD_NAME
            return definition(infos, {"output": info(output)}, method)

        builder = v1.saved_model.builder.SavedModelBuilder(str(directory))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map={
                "get_counter": signature(count),
                "incr_counter": signature(v1.assign_add(count, 1.0)),
                "incr_counter_by": signature(v1.assign_add(count, delta), delta=delta),
                "reset_counter": signature(v1.assign(count, 0.0)),
            },
        )
        builder.save()


def defaults(directory: Path) -> None:
    """TensorFlow from 2.14 on writes a function's default values into the signature."""
    three = tf.constant(3.0)

    def call(x: Tensor, factor: Tensor = three) -> Tensors:
        return {"y": x * factor}

    function = tf.function(call, input_signature=[_spec(None), _spec()])
    _save(directory, tf.Module(), serving_default=function)


def two_graphs(directory: Path) -> None:
    """One SavedModel with a graph to serve and one to train; of both tags there is none."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], "x")
        w = v1.get_variable("w", initializer=2.0, use_resource=False)
        session.run(v1.global_variables_initializer())
        predict = v1.saved_model.signature_def_utils.predict_signature_def
        builder = v1.saved_model.builder.SavedModelBuilder(str(directory))
        for tags, y in ((["train"], x - w), (["serve", "gpu"], x * w), (["serve"], x + w)):
            add = builder.add_meta_graph
            if tags == ["train"]:  # the first of them brings the variables
                add = partial(builder.add_meta_graph_and_variables, session)
            add(tags, signature_def_map={"serving_default": predict({"x": x}, {"y": y})})
        builder.save()


def devices(directory: Path) -> None:
    """Trained where there was a GPU, and says so."""

    def build() -> Graph:
        x = v1.placeholder(tf.float32, [None], "x")
        with tf.device("/device:GPU:0"):
            w = v1.get_variable("w", initializer=0.5, use_resource=False)
            return {"x": x}, {"y": x * w + 2}, None

    _save_v1(directory, build)


def estimator(directory: Path) -> None:
    """What an Estimator exports: classify and regress over tf.Example, predict beside them."""
    with tf.Graph().as_default(), v1.Session() as session:
        examples = v1.placeholder(tf.string, [None], "examples")
        parsed = v1.parse_example(
            examples,
            {
                "x": v1.FixedLenFeature([1], tf.float32),
                "x2": v1.FixedLenFeature([1], tf.float32, default_value=[0.0]),
            },
        )
        x = tf.identity(parsed["x"], "x")
        a = v1.get_variable("a", initializer=0.5, use_resource=False)
        y = x * a + 2
        shape = tf.stack([tf.shape(x)[0], 2])
        classes = tf.broadcast_to(tf.constant(["low", "high"]), shape)
        session.run(v1.global_variables_initializer())
        utils = v1.saved_model.signature_def_utils
        builder = v1.saved_model.builder.SavedModelBuilder(str(directory))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map={
                "serving_default": utils.predict_signature_def({"x": x}, {"y": y}),
                "regress": utils.regression_signature_def(examples, y),
                "regress_x2": utils.regression_signature_def(examples, parsed["x2"] * a + 3),
                "classify": utils.classification_signature_def(
                    examples, classes, tf.concat([y, 1 - y], 1)
                ),
                "one_row": utils.classification_signature_def(examples, None, y[:1]),
            },
        )
        builder.save()


def memory(directory: Path) -> None:
    module = tf.Module()
    module.text = tf.Variable([b""], shape=[None])

    def remember(text: Tensor) -> Tensors:
        module.text.assign(text)
        return {"count": tf.size(text)}

    _save(
        directory,
        module,
        remember=_function(remember, text=_spec(None, dtype=tf.string)),
        recall=_function(lambda: {"text": tf.identity(module.text)}),
    )


def random(directory: Path) -> None:
    """Gives other numbers each time."""
    call = _function(lambda x: {"y": x + tf.random.uniform([1])}, x=_spec(None))
    _save(directory, tf.Module(), serving_default=call)


def endless(directory: Path) -> None:
    """Loads, and never answers."""
    call = _function(
        lambda x: {"y": tf.while_loop(lambda _: True, lambda y: [y + 1], [x])[0]}, x=_spec()
    )
    _save(directory, tf.Module(), serving_default=call)


def sparse(directory: Path) -> None:
    """One plain signature, and one with a sparse input."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], "x")
        entries = v1.sparse_placeholder(tf.float32, name="sparse")
        _save_session(
            directory,
            session,
            serving_default=({"x": x}, {"y": x + 1}),
            sparse=({"sparse": entries}, {"total": tf.sparse.reduce_sum(entries)}),
        )


BUILDERS: dict[str, Callable[[Path], None]] = {
    build.__name__: build
    for build in (
        half_plus_two, two_inputs, signatures, types, ranks, strings, lookup_table, tf1_variables,
        tf1_loop, passthrough, conv, dense, unknown_rank, parse_example, examples,
        counter, memory, random, endless, sparse, counter_v1, defaults, two_graphs, devices,
        estimator,
    )
}  # fmt: skip
