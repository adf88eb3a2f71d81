#include "compiler/model/linking/corrections.h"

namespace gradc {

void correct_keys(JsonValue &root, const Corrections &corrections) {
  for (JsonMember &member : root.members) {
    if (const auto found = corrections.find({member.key_span.source, member.key_span.begin}); found != corrections.end())
      member.key = found->second;
    correct_keys(member.value, corrections);
  }
  for (JsonValue &item : root.items)
    correct_keys(item, corrections);
}

} // namespace gradc
