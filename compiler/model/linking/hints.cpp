// Finds what an unknown word was meant to be; see hints.h.
#include "compiler/model/linking/hints.h"

#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/sections.h"
#include "compiler/model/tables/synonyms.h"
#include "ir/suggest.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>

namespace gradc {
namespace {

using Words = std::vector<std::string_view>;

bool contains(const Words &words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Where the model format has a key: "'train'", "a layer 'dense'".
struct Place {
  std::string_view key;
  std::string where;
  const Family *family = nullptr; // where it is a key of a member of one
};

/// Every key of the format with its places, in the order of the reference.
class Places {
public:
  static const std::vector<Place> &all() {
    static const std::vector<Place> places = [] {
      Places walk;
      walk.object(model_spec(), "");
      return walk.places_;
    }();
    return places;
  }

private:
  void object(const ObjectSpec &spec, const std::string &path) {
    for (const Attr &attr : spec.attrs)
      if (!path.empty())
        places_.push_back({attr.name, path});
      else
        places_.push_back({attr.name, "the model itself"});
    for (const Attr &attr : spec.attrs)
      inside(attr, path);
    for (const Attr &attr : spec.rest)
      if (attr.kind == Attr::Kind::object)
        object(*attr.object, fmt::format("each {} in {}", attr.name, path));
  }

  void inside(const Attr &attr, const std::string &path) {
    if (attr.kind == Attr::Kind::object)
      object(*attr.object, path.empty() ? fmt::format("'{}'", attr.name) : fmt::format("'{}.{}'", path.substr(1, path.size() - 2), attr.name));
    else if (attr.kind == Attr::Kind::list || attr.kind == Attr::Kind::any_of)
      for (const Attr &of : attr.of)
        inside(of, path);
    else if (attr.kind == Attr::Kind::family && std::find(seen_.begin(), seen_.end(), attr.family) == seen_.end())
      family(*attr.family);
  }

  void family(const Family &family) {
    seen_.push_back(&family);
    for (const Attr &attr : family.common)
      places_.push_back({attr.name, fmt::format("the {}", family.what), &family});
    for (const ObjectSpec *spec : family.types)
      for (const Attr &attr : spec->attrs) {
        const bool everywhere = std::all_of(family.types.begin(), family.types.end(), [&](const ObjectSpec *other) {
          return std::any_of(other->attrs.begin(), other->attrs.end(), [&](const Attr &a) { return a.name == attr.name; });
        });
        places_.push_back({attr.name, everywhere ? fmt::format("the {}", family.what) : fmt::format("the {} '{}'", family.what, spec->name), &family});
        inside(attr, "");
      }
  }

  std::vector<Place> places_;
  std::vector<const Family *> seen_;
};

/// Our words for one of another framework.
Words translations(std::string_view word) {
  Words words;
  for (const Synonyms &row : synonyms())
    if (is_among(word, row.words))
      words.push_back(row.ours);
  return words;
}

std::string_view note_about(std::string_view word) {
  for (const Foreign &row : foreign_words())
    if (is_among(word, row.words))
      return row.note;
  return {};
}

/// One of `allowed`: written otherwise, or the word of another framework.
std::optional<Hint> same_hint(std::string_view word, const Words &allowed) {
  for (std::string_view candidate : allowed)
    if (is_among(word, candidate))
      return Hint{fmt::format("; did you mean '{}'?", candidate), candidate};
  for (std::string_view ours : translations(word))
    if (contains(allowed, ours))
      return Hint{fmt::format("; gradc calls it '{}'", ours), ours};
  return std::nullopt;
}

/// The same, or misspelt; a note about the word before a guess.
std::optional<Hint> near_hint(std::string_view word, const Words &allowed) {
  if (std::optional<Hint> hint = same_hint(word, allowed))
    return hint;
  if (const std::string_view note = note_about(word); !note.empty())
    return Hint{fmt::format("; {}", note)};
  if (const std::string_view best = closest(word, allowed); !best.empty())
    return Hint{did_you_mean(word, allowed), best};
  return std::nullopt;
}

/// Where another place has that key: best one in a family of whose members the `allowed` keys are; null when there is none.
const Place *place_of(std::string_view key, const Words &allowed) {
  const auto is_sibling = [&](const Place &place) {
    return place.family && !place.family->common.empty() &&
           std::ranges::all_of(place.family->common, [&](const Attr &attr) { return contains(allowed, attr.name); });
  };
  const Place *found = nullptr;
  for (const Place &place : Places::all())
    if (place.key == key && (!found || (!is_sibling(*found) && is_sibling(place))))
      found = &place;
  return found;
}

std::string listed(const Words &allowed) {
  if (allowed.empty())
    return "; it has no keys";
  return fmt::format("; expected {} {}", allowed.size() == 1 ? "only" : "one of", fmt::join(allowed, ", "));
}

Words names(const Family &family) {
  Words result;
  for (const ObjectSpec *spec : family.types)
    result.push_back(spec->name);
  return result;
}

/// The families that stand in the objects of another: activations in layers.
std::vector<const Attr *> families_inside(const ObjectSpec &spec) {
  std::vector<const Attr *> found;
  for (const Attr &attr : spec.attrs)
    if (attr.kind == Attr::Kind::family)
      found.push_back(&attr);
  return found;
}

/// `{"type": "dense", "units": ...}`
std::string skeleton(const ObjectSpec &spec) {
  std::string text = fmt::format("{{\"type\": \"{}\"", spec.name);
  for (const Attr &attr : spec.attrs)
    if (attr.required())
      text += fmt::format(", \"{}\": ...", attr.name);
  return text + "}";
}

const ObjectSpec *find_type(const Family &family, std::string_view name) {
  for (const ObjectSpec *spec : family.types)
    if (is_among(name, spec->name) || contains(translations(name), spec->name))
      return spec;
  return nullptr;
}

/// A type of a family that a member of `family` is made of: `{"type": "activation", "activation": "relu"}`; "" when it is none.
std::string wrapped(std::string_view name, const Family &family) {
  for (const ObjectSpec *outer : family.types)
    for (const Attr *attr : families_inside(*outer))
      if (const ObjectSpec *inner = attr->required() ? find_type(*attr->family, name) : nullptr)
        return fmt::format("{{\"type\": \"{}\", \"{}\": \"{}\"}}", outer->name, attr->name, inner->name);
  return "";
}

} // namespace

Hint hint_for_key(std::string_view key, const Words &allowed, const Words &absent, const Words &missing) {
  if (std::optional<Hint> hint = near_hint(key, absent))
    return *hint;
  if (const Place *place = place_of(key, allowed))
    return {fmt::format("; it is a key of {}", place->where)};
  for (std::string_view ours : translations(key))
    if (const Place *place = place_of(ours, allowed))
      return {fmt::format("; gradc has it as '{}' of {}", ours, place->where)};
  if (missing.size() == 1)
    return {fmt::format("; did you mean '{}', which is missing?", missing[0]), missing[0]};
  return {listed(allowed)};
}

Hint hint_for_type(std::string_view type, const Family &family) {
  const Words allowed = names(family);
  if (std::optional<Hint> hint = same_hint(type, allowed))
    return *hint;
  if (const std::string whole = wrapped(type, family); !whole.empty())
    return {fmt::format("; write {}", whole)};
  if (const LayerDef *layer = &family == &activations() ? find_layer(type) : nullptr)
    return {fmt::format("; it is a layer of its own: {}", skeleton(layer->spec))};
  if (std::optional<Hint> hint = near_hint(type, allowed))
    return *hint;
  return {listed(allowed)};
}

Hint hint_for_choice(std::string_view value, const Words &choices) {
  return near_hint(value, choices).value_or(Hint{});
}

std::string written_out_hint(std::string_view name, const Family &family) {
  if (const ObjectSpec *spec = find_type(family, name))
    return "; write " + skeleton(*spec);
  const std::string whole = wrapped(name, family);
  return whole.empty() ? "" : "; write " + whole;
}

} // namespace gradc
