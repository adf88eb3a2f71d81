// The words of other frameworks: the table has no word that gradc lacks, and messages name ours and its place.
#include "compiler/model/expressions/functions.h"
#include "compiler/model/layers/layer.h"
#include "compiler/model/linking/hints.h"
#include "compiler/model/tables/sections.h"
#include "compiler/model/tables/synonyms.h"

#include <catch2/catch.hpp>

#include <set>

namespace gradc {
namespace {

/// Every key, type, choice and function of the tables.
class Vocabulary {
public:
  static std::set<std::string_view> all() {
    Vocabulary walk;
    walk.object(model_spec());
    for (const ExpressionFunction &function : expression_functions())
      walk.words_.insert(function.spec.name), walk.object(function.spec);
    return walk.words_;
  }

private:
  void attr(const Attr &a) {
    words_.insert(a.name);
    words_.insert(a.choices.begin(), a.choices.end());
    for (const Attr &inner : a.of)
      attr(inner);
    if (a.object)
      object(*a.object);
    if (a.family && seen_.insert(a.family).second) {
      for (const Attr &common : a.family->common)
        attr(common);
      for (const ObjectSpec *type : a.family->types)
        words_.insert(type->name), object(*type);
    }
  }
  void object(const ObjectSpec &spec) {
    for (const auto *attrs : {&spec.attrs, &spec.rest})
      for (const Attr &a : *attrs)
        attr(a);
  }

  std::set<std::string_view> words_;
  std::set<const Family *> seen_;
};

TEST_CASE("synonyms stand for words of the tables", "[model]") {
  const std::set<std::string_view> vocabulary = Vocabulary::all();
  for (const Synonyms &row : synonyms()) {
    INFO(row.ours);
    CHECK(vocabulary.contains(row.ours));
    CHECK_FALSE(is_among(row.ours, row.words));
  }
}

TEST_CASE("words are compared without case, underscores and hyphens", "[model]") {
  CHECK(is_among("CrossEntropyLoss", "mse cross_entropy_loss"));
  CHECK(is_among("cross-entropy_loss", "cross_entropy_loss"));
  CHECK_FALSE(is_among("cross", "cross_entropy_loss"));
  CHECK_FALSE(is_among("", "cross_entropy_loss"));
  CHECK_FALSE(is_among("cross_entropy_loss", ""));
}

} // namespace
} // namespace gradc
