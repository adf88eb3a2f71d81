// What a word that the model format does not have was meant to be.
#pragma once

#include "compiler/model/tables/attributes.h"

#include <string>

namespace gradc {

/// The end of a message about an unknown word.
struct Hint {
  std::string text;           // "; did you mean 'units'?"
  std::string_view meant = {}; // the allowed word that it stands for, if that is likely
};

/// A key where only the keys `allowed` may stand: a misspelling of one of the `absent` ones, the word of another framework, or one
/// that belongs elsewhere; else the one of `missing`, which are required, when there is but one.
Hint hint_for_key(std::string_view key, const std::vector<std::string_view> &allowed, const std::vector<std::string_view> &absent,
                  const std::vector<std::string_view> &missing);
/// A "type" of the family: as above, or a type of another family.
Hint hint_for_type(std::string_view type, const Family &family);
/// A value where one of `choices` must stand.
Hint hint_for_choice(std::string_view value, const std::vector<std::string_view> &choices);
/// How the name of a type is written out where a bare name will not do: `; write {"type": "mse", "target": ...}`, or "".
std::string written_out_hint(std::string_view name, const Family &family);

} // namespace gradc
