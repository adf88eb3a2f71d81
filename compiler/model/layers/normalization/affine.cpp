#include "compiler/model/layers/normalization/affine.h"

#include "compiler/model/tables/initializers.h"

namespace gradc {

static std::vector<Attr> scale_keys(std::string_view fallback) {
  return {attr::boolean("scale", "whether the result is multiplied by a learned scale, gamma").defaults_to(fallback),
          attr::one_of("scale_initializer", initializers(), "initial scale").defaults_to("{\"type\": \"constant\", \"value\": 1}")};
}

std::vector<Attr> scale_keys() { return scale_keys("true"); }

std::vector<Attr> affine_keys(bool by_default) {
  const std::string_view fallback = by_default ? "true" : "false";
  std::vector<Attr> keys = scale_keys(fallback);
  keys.push_back(attr::boolean("offset", "whether a learned offset, beta, is added").defaults_to(fallback));
  keys.push_back(attr::one_of("offset_initializer", initializers(), "initial offset").defaults_to("\"zeros\""));
  return keys;
}

std::vector<Attr> with_epsilon(std::vector<Attr> own, std::vector<Attr> others) {
  own.push_back(attr::number("epsilon", "added to the variance").above(0).defaults_to("1e-5"));
  for (Attr &key : others)
    own.push_back(std::move(key));
  return own;
}

void declare_affine(LayerShapes &l, const Shape &shape) {
  for (const char *name : {"scale", "offset"})
    if (const JsonValue *wanted = l.attrs.find(name); wanted && wanted->boolean)
      l.params.push_back({name, shape, l.attrs.at(std::string(name) + "_initializer")});
}

Var scaled(const LayerBuild &b, Var x, const Shape &as) {
  return b.attrs.boolean_at("scale") ? x * reshape(b.param("scale"), as) : x;
}

Var shifted(const LayerBuild &b, Var x, const Shape &as) {
  return b.attrs.boolean_at("offset") ? x + reshape(b.param("offset"), as) : x;
}

} // namespace gradc
