// Model files made at random from the tables of the format.
#pragma once

#include "compiler/model/tables/attributes.h"

#include <nlohmann/json.hpp>
#include <random>

namespace gradc::tests {

class ModelMaker {
public:
  using Json = nlohmann::ordered_json;

  explicit ModelMaker(uint64_t seed) : random_(seed) {}

  /// A file of right keys and values, but for `mistakes` places: values of another kind, out of their limits, missing or unknown
  /// keys. (Some mistakes may find no place, or turn out right.) Names lead nowhere.
  Json file(int mistakes);
  /// The same with names, shapes and sizes that fit each other, so that it is mostly a model.
  Json model(int mistakes);

private:
  Json value(const Attr &);
  Json right_value(const Attr &);
  Json wrong_value(const Attr &);
  Json number(const Attr &);
  Json object(const ObjectSpec &);
  Json family(const Family &);
  void add_keys(Json &, const std::vector<Attr> &);
  size_t below(size_t n) { return static_cast<size_t>(random_()) % n; }
  bool once_in(size_t n) { return below(n) == 0; }

  std::mt19937_64 random_;
  int mistakes_ = 0;
  bool in_block_ = false; // values may be arguments of a block
};

} // namespace gradc::tests
