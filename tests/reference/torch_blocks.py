"""Model files without their blocks."""


def as_list(value):
    return value if isinstance(value, list) else [value]


def replaced(value, arguments):
    """With the arguments of a block where "$name" stands."""
    if isinstance(value, str) and value.startswith("$"):
        return arguments[value[1:]]
    if isinstance(value, dict):
        return {key: replaced(inner, arguments) for key, inner in value.items()}
    return [replaced(inner, arguments) for inner in value] if isinstance(value, list) else value


def expanded(model):
    """The model with a layer for each of every use of a block, which says by name what it reads."""
    if "blocks" not in model:
        return model
    flat = []
    append(model["layers"], model["blocks"], "", {name: name for name in model["inputs"]}, None, flat)
    return {**model, "layers": flat}


def append(layers, blocks, prefix, names, previous, flat):
    """To `flat` the layers of a list, whose names begin with the prefix there. `names` says what a name in the list is in
    `flat`, and `previous` what the first layer reads if it says nothing. Returns the name of the output."""
    for layer in layers:
        inputs = [names[name] for name in as_list(layer["input"])] if "input" in layer else [previous]
        if not layer.get("when", True):
            previous = inputs[0]
        elif layer["type"] == "block":
            previous = append_block(layer, blocks, prefix + layer["name"], inputs, flat)
        else:
            previous = prefix + layer["name"]
            flat.append({**{key: value for key, value in layer.items() if key != "when"}, "name": previous, "input": inputs})
        names[layer["name"]] = previous
    return previous


def append_block(layer, blocks, name, inputs, flat):
    block = blocks[layer["block"]]
    for i in range(layer.get("repeat", 1)):
        arguments = {**block.get("arguments", {}), **layer.get("set", {}), **(layer.get("first", {}) if i == 0 else {})}
        prefix = f"{name}.{i}." if "repeat" in layer else f"{name}."
        inner = dict(zip(block.get("inputs", ["input"]), inputs))
        inputs[0] = append(replaced(block["layers"], arguments), blocks, prefix, inner, inputs[0], flat)
    return inputs[0]
