// The language in which the model format is described. One description of an object drives the check of a
// file, the defaults, the error messages, the JSON Schema and the reference page; none of them knows a key by
// name.
#pragma once

#include "compiler/model/json/json_tree.h"
#include "ir/type.h"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace gradc {

struct ObjectSpec;
struct Family;

/// A key of an object, or an item of a list. Made by the functions of namespace attr below.
struct Attr {
  enum class Kind : uint8_t { integer, number, boolean, string, name, expression, choice, list, object, family, any_of, any };

  std::string_view name;
  std::string_view doc;
  Kind kind = Kind::string;
  std::string_view default_json = {}; // the default as JSON
  std::string_view default_doc = {};  // how the default is found where it is no constant
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_open = false, max_open = false; // the limit itself is excluded
  bool of_shape = false; // the shape of an output depends on it, so that its default does not stand in for a wrong value
  bool in_f64 = false; // a number that is used in f64 whatever the type of the model's floats is
  std::vector<std::string_view> choices = {};
  size_t min_items = 0, max_items = ~size_t{0};
  bool or_single = false;    // a list: a bare item stands for a list of one
  std::vector<Attr> of = {}; // list: its item; any_of: the alternatives, told apart by their JSON kind
  const ObjectSpec *object = nullptr;
  const Family *family = nullptr;
  std::string_view keys_of = {}; // in `rest`: only the keys of this top-level object are allowed
  bool any_key = false;          // in `rest`: the keys are any texts, not names
  bool dotted = false;           // a name: also one in a block, such as stage2.1.conv
  bool in_block = false;         // a list: what is inside its items may be an argument of a block, "$filters", instead

  bool required() const { return default_json.empty() && default_doc.empty(); }

  // Limits and defaults, written behind each other.
  Attr &&at_least(double value) &&;
  Attr &&above(double value) &&;
  Attr &&at_most(double value) &&;
  Attr &&below(double value) &&;
  Attr &&used_in_f64() &&;
  Attr &&decides_shape() &&;
  Attr &&defaults_to(std::string_view json) &&;
  Attr &&otherwise(std::string_view default_doc) &&; // may be left out; says what then
  Attr &&items(size_t min, size_t max = ~size_t{0}) &&;
};

/// An object: its keys. `name` is the value of "type" where the object belongs to a family.
struct ObjectSpec {
  std::string_view name;
  std::string_view doc;
  std::vector<Attr> attrs = {};
  std::vector<Attr> rest = {}; // at most one: what any further key, chosen by the user, maps to
};

/// What is wrong with the values of an object that are right each alone, and the key to point at.
struct Mistake {
  std::string_view key;
  std::string message;
};

/// Objects told apart by their "type": the layers, the activations, ... All string views are literals.
struct Family {
  std::string_view what; // "activation": what messages call one
  std::string_view doc;
  std::vector<Attr> common = {}; // keys every member has besides its own
  std::vector<const ObjectSpec *> types = {};
  bool by_name = false;              // "relu" stands for {"type": "relu"}
  std::string_view number_type = {}; // a number n stands for {"type": number_type, number_key: n}
  std::string_view number_key = {};
  std::string_view default_type = {}; // of an object without "type"
};

namespace attr {
Attr integer(std::string_view name, std::string_view doc);
Attr number(std::string_view name, std::string_view doc);
Attr boolean(std::string_view name, std::string_view doc);
Attr string(std::string_view name, std::string_view doc);
/// The name of an input, layer, output: letters, digits and _, not beginning with a digit.
Attr name(std::string_view name, std::string_view doc);
/// The same, or that of a layer in a block behind the name of the block and a dot: stage2.1.conv.
Attr path(std::string_view name, std::string_view doc);
/// A formula over inputs and layers; see compiler/model/expressions.
Attr expression(std::string_view name, std::string_view doc);
Attr choice(std::string_view name, std::vector<std::string_view> choices, std::string_view doc);
Attr list(std::string_view name, Attr item, std::string_view doc);
Attr one_or_list(std::string_view name, Attr item, std::string_view doc);
Attr object(std::string_view name, const ObjectSpec &spec, std::string_view doc);
Attr one_of(std::string_view name, const Family &family, std::string_view doc);
Attr any_of(std::string_view name, std::vector<Attr> alternatives, std::string_view doc);
/// Whatever JSON has.
Attr any(std::string_view name, std::string_view doc);
} // namespace attr

/// What the attribute takes, with its article: "an integer", "'auto' or true or false", "a list of names".
std::string expected(const Attr &);
/// The key of that name; InternalFault when there is none.
const Attr &find_attr(const std::vector<Attr> &, std::string_view name);
/// The key whose value is an expression; null when there is none.
const Attr *expression_key(const ObjectSpec &);
/// Its limits: "at least 1", "at least 0 and below 1"; empty when there are none.
std::string limits(const Attr &);
bool within(const Attr &, double value);
/// The least and the largest number of a float type that the attribute may be: of f32 [0, 0.99999994] where it is at least 0 and
/// below 1. Numbers in between stay in between when they are rounded to the type.
std::pair<double, double> limits_in(DType, const Attr &);
/// The limit that a value outside breaks: "at least 1".
std::string violated_limit(const Attr &, double value);
bool is_name(std::string_view);
/// A name, or several parts with dots between them, of which all but the first may begin with a digit.
bool is_path(std::string_view);
/// The name of the argument of a block that the value stands for: "filters" of "$filters"; "" when it stands for itself.
std::string_view argument_in(const JsonValue &);

} // namespace gradc
