// Graph -> text. Attributes that have their default value are left out; everything else is written, so that the parser
// gives back the very graph.
#include "ir/error.h"
#include "ir/text/lexer.h"
#include "ir/op.h"

#include <algorithm>

namespace gradc {

std::vector<std::string> value_names(const Graph &graph) {
  std::vector<std::string> names;
  size_t results = 0;
  for (const Node &node : graph.nodes)
    names.push_back("%" + (node.is_declaration() ? node.name : std::to_string(results++)));
  return names;
}

namespace {

std::string text_of(int64_t value) { return std::to_string(value); }
std::string text_of(double value) { return number_text(value); }

/// " in [0, 1]", " in [0, 1] rows 3 in [0.999, 1.001]"
std::string domain_text(const Domain &domain) {
  const auto interval = [](double least, double most) {
    return " in [" + number_text(least) + ", " + number_text(most) + "]";
  };
  std::string text = interval(domain.least, domain.most);
  if (domain.row > 0)
    text += " rows " + std::to_string(domain.row) + interval(domain.sum_least, domain.sum_most);
  return text;
}
std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(const std::string &value) { return quoted(value); }
template <typename T> std::string text_of(const std::vector<T> &list) {
  std::string text = "[";
  for (size_t i = 0; i < list.size(); ++i)
    text += (i ? ", " : "") + text_of(list[i]);
  return text + "]";
}

std::string text_of(const AttrValue &value) {
  return std::visit([](const auto &v) { return text_of(v); }, value);
}

// By their texts: 0 and 0.0 say the same, 0 and -0 do not.
bool is_default(const OpDef &op, std::string_view name, const AttrValue &value) {
  auto spec = std::find_if(op.attrs.begin(), op.attrs.end(), [&](const AttrSpec &s) { return s.name == name; });
  return spec != op.attrs.end() && spec->default_value && text_of(*spec->default_value) == text_of(value);
}

std::string attrs_text(const Node &node) {
  std::string text;
  for (const auto &[name, value] : node.attrs)
    if (!is_default(*node.op, name, value))
      text += (text.empty() ? "" : ", ") + name + "=" + text_of(value);
  return text.empty() ? "" : " {" + text + "}";
}

std::string place_text(const Placement &place, const Type &type) {
  if (place.space == Space::none)
    return "";
  const bool in_arena = is_arena(place.space);
  std::string text = " [" + std::string(to_string(place.space));
  text += (in_arena ? "+" : " ") + std::to_string(in_arena ? place.offset : place.index);
  if (in_arena || place.bytes != type.bytes())
    text += " " + std::to_string(place.bytes);
  if (place.first != -1 || place.last != -1)
    text += " live " + std::to_string(place.first) + ".." + std::to_string(place.last);
  return text + (place.in_place ? " in_place]" : "]");
}

class Printer {
public:
  explicit Printer(const Graph &graph) : graph_(graph), names_(value_names(graph)) {}

  std::string run() {
    text_ = "graph " + (graph_.name.empty() ? "" : "@" + word_text(graph_.name) + " ") + "{\n";
    if (graph_.plan)
      text_ += "  plan workspace " + std::to_string(graph_.plan->arena_bytes) + " lower_bound " +
               std::to_string(graph_.plan->lower_bound) + "\n";
    print_nodes();
    for (const Return &r : graph_.returns)
      text_ += "  return " + names_[r.value] + (r.name.empty() ? "" : " as " + word_text(r.name)) + "\n";
    for (const Update &u : graph_.updates)
      text_ += "  update " + names_[u.target] + " = " + names_[u.value] + "\n";
    for (const GradientOf &g : graph_.gradients)
      text_ += "  gradient " + names_[g.param] + " = " + names_[g.value] + "\n";
    return text_ + "}\n";
  }

private:
  void print_nodes() {
    int kernel = kNoKernel;
    for (Value v = 0; v < graph_.size(); ++v) {
      if (graph_[v].kernel != kernel) {
        if (kernel != kNoKernel)
          text_ += "  }\n";
        kernel = graph_[v].kernel;
        if (kernel != kNoKernel)
          text_ += "  kernel " + std::to_string(kernel) + " {\n";
      }
      text_ += kernel == kNoKernel ? "  " : "    ";
      print_node(v);
    }
    if (kernel != kNoKernel)
      text_ += "  }\n";
  }

  void print_node(Value v) {
    const Node &node = graph_[v];
    if (node.is_declaration()) {
      text_ += std::string(to_string(node.role)) + " " + names_[v];
      if (node.buffer)
        text_ += " {lifetime=" + quoted(to_string(node.buffer->lifetime)) +
                 ", writer=" + quoted(to_string(node.buffer->writer)) + "}";
    } else {
      text_ += names_[v] + " = " + std::string(node.op->name);
      for (size_t i = 0; i < node.inputs.size(); ++i)
        text_ += (i ? ", " : " ") + names_[node.inputs[i]];
      text_ += attrs_text(node);
    }
    text_ += " : " + to_string(node.type);
    if (node.below > 0)
      text_ += " below " + std::to_string(node.below);
    if (node.ignored)
      text_ += " or " + std::to_string(*node.ignored);
    if (node.domain)
      text_ += domain_text(*node.domain);
    if (graph_.plan)
      text_ += place_text(graph_.plan->places[v], node.type);
    text_ += location_text(node.location) + "\n";
  }

  const Graph &graph_;
  std::vector<std::string> names_;
  std::string text_;
};

} // namespace

std::string print(const Graph &graph) { return Printer(graph).run(); }

} // namespace gradc
