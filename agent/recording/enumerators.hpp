// The names of an enumeration's values, as the compiler knows them: a value added to the
// enumeration cannot be forgotten here. For enumerations that count from 0 without a gap.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace doctor {

/// "source_up" for EventKind::source_up; empty for a value that the enumeration does not name.
/// Both GCC and clang end the signature with "Value = doctor::EventKind::source_up" and a closing
/// bracket, or "(doctor::EventKind)99" for what has no name.
template <auto Value>
constexpr std::string_view enumerator_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("Value = ") + std::string_view("Value = ").size());
  text = text.substr(0, text.find_first_of(";]"));
  if (text.starts_with('(')) return {};
  return text.substr(text.rfind(':') + 1);
}

inline constexpr std::size_t kEnumeratorsMax = 64;

template <class Enum, std::size_t... I>
constexpr std::size_t count_enumerators(std::index_sequence<I...> /*all*/) {
  const std::array<bool, sizeof...(I)> named{!enumerator_name<static_cast<Enum>(I)>().empty()...};
  std::size_t count = 0;
  while (count < named.size() && named[count]) ++count;
  return count;
}

template <class Enum>
inline constexpr std::size_t kEnumerators =
    count_enumerators<Enum>(std::make_index_sequence<kEnumeratorsMax>());

template <class Enum, std::size_t... I>
std::string join_enumerators(std::index_sequence<I...> /*all*/) {
  std::string joined;
  ((joined.append(I == 0 ? "" : ", ").append(enumerator_name<static_cast<Enum>(I)>())), ...);
  return joined;
}

/// "source_up, source_down, …"
template <class Enum>
const std::string& enumerator_names() {
  static_assert(std::is_enum_v<Enum>);
  static_assert(kEnumerators<Enum> > 0 && kEnumerators<Enum> < kEnumeratorsMax);
  static const std::string kNames =
      join_enumerators<Enum>(std::make_index_sequence<kEnumerators<Enum>>());
  return kNames;
}

}  // namespace doctor
