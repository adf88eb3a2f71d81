#include "ir/role.h"

#include "ir/error.h"

#include <algorithm>
#include <array>

namespace gradc {
namespace {

constexpr std::array kSpaces = {
    SpaceInfo{Space::input, "input"},
    SpaceInfo{Space::scalar, "scalar"},
    SpaceInfo{Space::output, "output"},
    SpaceInfo{Space::constant, "constant"},
    SpaceInfo{Space::params, "params", 0, Lifetime::model},
    SpaceInfo{Space::slots, "slots", 1, Lifetime::run},
    SpaceInfo{Space::grads, "grads", 2, Lifetime::call},
    SpaceInfo{Space::workspace, "workspace", 3, Lifetime::call},
    SpaceInfo{Space::model_buffers, "model_buffers", 4, Lifetime::model},
    SpaceInfo{Space::run_buffers, "run_buffers", 5, Lifetime::run},
    SpaceInfo{Space::call_buffers, "call_buffers", 6, Lifetime::call},
};

constexpr std::array kRoles = {
    RoleInfo{Role::input, "input", Space::input, false},   RoleInfo{Role::scalar, "scalar", Space::scalar, false},
    RoleInfo{Role::param, "param", Space::params, true},   RoleInfo{Role::slot, "slot", Space::slots, true},
    RoleInfo{Role::grad, "grad", Space::grads, true},      RoleInfo{Role::buffer, "buffer", Space::none, true},
};

struct LifetimeName {
  Lifetime lifetime;
  std::string_view name;
  Space space; // of a buffer
};
constexpr std::array kLifetimes = {
    LifetimeName{Lifetime::model, "model", Space::model_buffers},
    LifetimeName{Lifetime::run, "run", Space::run_buffers},
    LifetimeName{Lifetime::call, "call", Space::call_buffers},
};

struct WriterName {
  Writer writer;
  std::string_view name;
};
constexpr std::array kWriters = {
    WriterName{Writer::fit, "fit"},
    WriterName{Writer::data, "data"},
    WriterName{Writer::update, "update"},
};

/// The row whose `member` is `value`; null when there is none.
template <typename Rows, typename Row, typename T> const Row *find(const Rows &rows, T Row::*member, const T &value) {
  auto it = std::find_if(rows.begin(), rows.end(), [&](const Row &row) { return row.*member == value; });
  return it == rows.end() ? nullptr : &*it;
}

template <typename Row> const Row &known(const Row *row, const char *what) {
  internal_check(row, std::string("there is no such ") + what);
  return *row;
}

} // namespace

std::span<const SpaceInfo> spaces() { return kSpaces; }
const SpaceInfo &info(Space space) { return known(find(kSpaces, &SpaceInfo::space, space), "space"); }
bool is_arena(Space space) { return space != Space::none && info(space).arena >= 0; }
std::string_view to_string(Space space) { return space == Space::none ? "none" : info(space).name; }

std::span<const RoleInfo> roles() { return kRoles; }
const RoleInfo &info(Role role) { return known(find(kRoles, &RoleInfo::role, role), "role"); }
bool is_state(Role role) { return role != Role::none && info(role).is_state; }
std::string_view to_string(Role role) { return role == Role::none ? "none" : info(role).name; }

Space space_of(const BufferKind &kind) {
  return known(find(kLifetimes, &LifetimeName::lifetime, kind.lifetime), "lifetime").space;
}

std::string_view to_string(Lifetime lifetime) {
  return known(find(kLifetimes, &LifetimeName::lifetime, lifetime), "lifetime").name;
}
std::string_view to_string(Writer writer) { return known(find(kWriters, &WriterName::writer, writer), "writer").name; }

std::optional<Lifetime> parse_lifetime(std::string_view name) {
  const LifetimeName *found = find(kLifetimes, &LifetimeName::name, name);
  return found ? std::optional(found->lifetime) : std::nullopt;
}
std::optional<Writer> parse_writer(std::string_view name) {
  const WriterName *found = find(kWriters, &WriterName::name, name);
  return found ? std::optional(found->writer) : std::nullopt;
}

} // namespace gradc
