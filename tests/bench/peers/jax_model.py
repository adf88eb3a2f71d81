"""A workload in JAX: images are [n, height, width, channels]. Weights and buffers are dicts of dicts, by layer and name."""
import jax
import jax.numpy as jnp

from layers import activation, padding, window
from workload import OPTIMIZERS, Workload


def dense(layer, weights, buffers, x):
    return biased(x @ weights["weight"], weights)


def conv2d(layer, weights, buffers, x):
    _, strides = window(layer.options)
    return biased(jax.lax.conv_general_dilated(x, weights["weight"], strides, padding(layer.options, x.shape[1:]),
                                               dimension_numbers=("NHWC", "HWIO", "NHWC")), weights)


def biased(y, weights):
    return y + weights["bias"] if "bias" in weights else y


def max_pool2d(layer, weights, buffers, x):
    size, strides = window(layer.options)
    pads = [(0, 0), *padding(layer.options, x.shape[1:]), (0, 0)]
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, *size, 1), (1, *strides, 1), pads)


def batch_norm(layer, weights, buffers, x):
    """As flax has it: the variance is the mean of the squares minus the square of the mean, so that one pass finds both."""
    axes = tuple(range(x.ndim - 1))
    mean, squares = jnp.mean(x, axes), jnp.mean(jnp.square(x), axes)
    variance = jnp.maximum(squares - jnp.square(mean), 0)
    count = x.size // x.shape[-1]
    share = layer.options["momentum"]
    moved = {"running_mean": (1 - share) * buffers["running_mean"] + share * mean,
             "running_variance": (1 - share) * buffers["running_variance"] + share * variance * (count / (count - 1))}
    factor = weights["scale"] * jax.lax.rsqrt(variance + layer.options["epsilon"])
    return (x - mean) * factor + weights["offset"], moved


def add(layer, weights, buffers, first, *others):
    return sum(others, first)


FUNCTIONS = {"dense": dense, "conv2d": conv2d, "max_pool2d": max_pool2d, "batch_norm": batch_norm, "add": add,
             "flatten": lambda layer, weights, buffers, x: x.reshape(len(x), -1),
             "global_average_pool": lambda layer, weights, buffers, x: jnp.mean(x, (1, 2)),
             "activation": lambda layer, weights, buffers, x: x}


def forward(layers, weights, buffers, x):
    """The output of the last layer, and the buffers after the step."""
    values, after = {"x": x}, {}
    for layer in layers:
        y = FUNCTIONS[layer.type](layer, weights[layer.name], buffers[layer.name], *(values[name] for name in layer.inputs))
        y, after[layer.name] = y if layer.buffers else (y, {})
        values[layer.name] = jax.nn.relu(y) if activation(layer.options) == "relu" else y
    return values[layers[-1].name], after


def sgd(rate):
    return lambda params: (), lambda params, grads, slots: (
        jax.tree.map(lambda w, g: w - rate * g, params, grads), slots)


def adam(rate, beta1, beta2, epsilon):
    """Kingma and Ba 2015: w - rate m' / (sqrt(v') + epsilon)."""
    def initial(params):
        return jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params)

    def update(params, grads, slots):
        count, m, v = slots
        count += 1
        m = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, m, grads)
        v = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, v, grads)
        a, b = 1 - beta1 ** count, 1 - beta2 ** count
        params = jax.tree.map(lambda w, m, v: w - rate * (m / a) / (jnp.sqrt(v / b) + epsilon), params, m, v)
        return params, (count, m, v)

    return initial, update


class Training:
    """The whole step jitted, its state donated; the workload is that of a file of workload.flat_model()."""

    def __init__(self, path, batch):
        workload = Workload(path, batch)
        initial, update = {"sgd": sgd, "adam": adam}[workload.optimizer](
            workload.learning_rate, **OPTIMIZERS[workload.optimizer])

        def loss_of(params, buffers, x, y):
            scores, after = forward(workload.layers, params, buffers, x)
            return -jnp.mean(jnp.sum(jax.nn.log_softmax(scores) * jax.nn.one_hot(y, scores.shape[1]), axis=1)), after

        def whole_step(state, x, y):
            params, buffers, slots = state
            (loss, buffers), grads = jax.value_and_grad(loss_of, has_aux=True)(params, buffers, x, y)
            params, slots = update(params, grads, slots)
            return (params, buffers, slots), loss

        self.jitted = jax.jit(whole_step, donate_argnums=0)
        params = {layer.name: jax.tree.map(jnp.array, layer.weights) for layer in workload.layers}
        buffers = {layer.name: jax.tree.map(jnp.array, layer.buffers) for layer in workload.layers}
        self.state = params, buffers, initial(params)
        self.x, self.labels = jnp.array(workload.x), [jnp.array(row) for row in workload.labels]

    def step(self, i):
        """Starts the i-th step; its loss, once it is there."""
        self.state, loss = self.jitted(self.state, self.x, self.labels[i % 2])
        return loss

    def temporary_bytes(self):
        """What XLA allocates for a step beside its arguments and results."""
        return self.jitted.lower(self.state, self.x, self.labels[0]).compile().memory_analysis().temp_size_in_bytes
