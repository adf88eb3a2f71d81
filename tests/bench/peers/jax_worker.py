"""JAX as an arm, the whole step jitted and its state donated: jax_worker.py jit MODEL BATCH THREADS"""
import os
import sys

ALONE = sys.argv[4] == "1"  # one core: handing work over to another thread only costs
if ALONE:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp

from answer import answer
from workload import OPTIMIZERS, Workload


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


def main(how, model, batch, threads):
    jax.config.update("jax_cpu_enable_async_dispatch", not ALONE)
    workload = Workload(model, int(batch))
    relu = [layer.relu for layer in workload.layers]
    initial, update = {"sgd": sgd, "adam": adam}[workload.optimizer](
        workload.learning_rate, **OPTIMIZERS[workload.optimizer])

    def loss_of(params, x, y):
        for (weight, bias), rectify in zip(params, relu):
            x = x @ weight + bias
            x = jax.nn.relu(x) if rectify else x
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(x) * jax.nn.one_hot(y, x.shape[1]), axis=1))

    def whole_step(state, x, y):
        params, slots = state
        loss, grads = jax.value_and_grad(loss_of)(params, x, y)
        return update(params, grads, slots), loss

    jitted = jax.jit(whole_step, donate_argnums=0)
    params = [(jnp.array(layer.weight), jnp.array(layer.bias)) for layer in workload.layers]
    state = params, initial(params)
    x, labels = jnp.array(workload.x), [jnp.array(row) for row in workload.labels]

    def step(i):
        nonlocal state
        state, loss = jitted(state, x, labels[i % 2])
        return loss

    answer(step, float)


main(*sys.argv[1:])
