// What entries of one model must have in common.
#include "compiler/codegen/entries/model_table.h"
#include "ir/error.h"
#include "ir/text/text.h"

#include <catch2/catch.hpp>

using namespace gradc;

namespace {

EntrySpec entry_with(const std::string &param) {
  return {"run", 0, parse_graph("graph {\n  plan workspace 0 lower_bound 0\n  param %w : " + param + "\n}\n")};
}

ModelSpec two_entries(const std::string &a, const std::string &b) {
  ModelSpec spec;
  spec.entries = {entry_with(a), entry_with(b)};
  return spec;
}

} // namespace

TEST_CASE("a state lies at one place in all entries of a model") {
  const std::string here = "f32[3] [params+64 12]";
  const ModelSpec same = two_entries(here, here);
  const ModelTable table = model_table(same);
  REQUIRE(table.states.size() == 1);
  CHECK(table.arenas[static_cast<size_t>(arena_of(Space::params))].bytes == 128);
  CHECK_THROWS_AS(model_table(two_entries(here, "f32[3] [params+128 12]")), InternalFault);
  CHECK_THROWS_AS(model_table(two_entries(here, "i32[3] [params+64 12]")), InternalFault);
  CHECK_THROWS_AS(model_table(two_entries(here, "f32[3] [slots+64 12]")), InternalFault);
}
