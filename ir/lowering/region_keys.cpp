#include "ir/lowering/region_keys.h"

#include "ir/op.h"

namespace gradc {
namespace {

constexpr uint32_t kUnknown = ~uint32_t{0};

template <typename T> void append(std::string &bytes, const T &value) {
  bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
}
void append(std::string &bytes, const std::string &text) {
  append(bytes, text.size());
  bytes += text;
}
template <typename T> void append(std::string &bytes, const std::vector<T> &list) {
  append(bytes, list.size());
  for (const T &item : list)
    append(bytes, item);
}

// By its bits: 0 and -0 are different constants.
std::string bytes_of(const Node &node, bool computes) {
  std::string bytes;
  append(bytes, node.type.dtype);
  append(bytes, node.type.shape);
  append(bytes, computes ? node.op : nullptr);
  if (computes)
    for (const auto &[name, value] : node.attrs) {
      append(bytes, name);
      append(bytes, value.index());
      std::visit([&](const auto &v) { append(bytes, v); }, value);
    }
  return bytes;
}

} // namespace

size_t RegionKey::Hash::operator()(const std::vector<uint32_t> &words) const {
  uint64_t hash = words.size();
  for (uint32_t word : words)
    hash = (hash ^ word) * 0x9e3779b97f4a7c15 ^ (hash >> 29);
  return static_cast<size_t>(hash ^ (hash >> 32));
}

RegionKeys::RegionKeys(const Graph &graph)
    : graph_(graph), inside_kind_(graph.size(), kUnknown), outside_kind_(graph.size(), kUnknown), place_(graph.size()),
      stamp_(graph.size(), 0) {}

// Of a value from outside only the type matters, unless it is a constant, which may become a literal.
uint32_t RegionKeys::kind(Value v, bool inside) {
  uint32_t &known = (inside ? inside_kind_ : outside_kind_)[v];
  if (known == kUnknown) {
    const Node &node = graph_[v];
    const bool constant = is_constant(node);
    known = kinds_.try_emplace(bytes_of(node, inside || constant), static_cast<uint32_t>(kinds_.size())).first->second;
  }
  return known;
}

RegionKey RegionKeys::of(const std::vector<Value> &nodes, const std::vector<Value> &outputs) {
  RegionKey key;
  ++region_;
  auto place = [&](Value v, size_t at) {
    stamp_[v] = region_;
    place_[v] = static_cast<uint32_t>(at);
  };
  for (size_t i = 0; i < nodes.size(); ++i)
    place(nodes[i], i);
  std::vector<uint32_t> &words = key.words;
  words.push_back(static_cast<uint32_t>(nodes.size()));
  for (Value v : nodes) {
    words.push_back(kind(v, true));
    words.push_back(static_cast<uint32_t>(graph_[v].inputs.size()));
    for (Value input : graph_[v].inputs) {
      const bool fresh = stamp_[input] != region_;
      if (fresh) {
        place(input, nodes.size() + key.outside.size());
        key.outside.push_back(input);
      }
      words.push_back(place_[input]);
      if (fresh)
        words.push_back(kind(input, false));
    }
  }
  for (Value v : outputs)
    words.push_back(place_[v]);
  return key;
}

} // namespace gradc
