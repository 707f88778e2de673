// Shapes: how a recording describes its own types. The first time that a struct, an enumeration or
// a variant appears in a file its names are spelled out, and a reader that has other ones finds its
// own by name.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "agent/recording/enumerators.hpp"
#include "agent/recording/fields.hpp"

namespace doctor::shape {

template <class T, template <class...> class Template>
inline constexpr bool kIs = false;
template <template <class...> class Template, class... Of>
inline constexpr bool kIs<Template<Of...>, Template> = true;

template <class T>
struct Pointed {
  using Type = T;
};
template <class T>
struct Pointed<std::shared_ptr<const T>> {
  using Type = T;
};

template <class... Alternatives>
std::string join_types(const std::variant<Alternatives...>* /*type*/) {
  std::string joined;
  ((joined.append(joined.empty() ? "" : ", ")
        .append(Fields<typename Pointed<Alternatives>::Type>::kType)),
   ...);
  return joined;
}

/// The names that this program has for the members, values or alternatives of T.
template <class T>
const std::string& own_names() {
  if constexpr (std::is_enum_v<T>) {
    return enumerator_names<T>();
  } else if constexpr (kIs<T, std::variant>) {
    static const std::string kNames = join_types(static_cast<const T*>(nullptr));
    return kNames;
  } else {
    static const std::string kNames(Fields<T>::kNames);
    return kNames;
  }
}

/// What to call T in a sentence.
template <class T>
std::string_view type_name() {
  if constexpr (std::is_enum_v<T> || kIs<T, std::variant>) {
    return "one of its enumerations";
  } else {
    return Fields<T>::kType;
  }
}

std::size_t next_type_index();
/// A small number for each T, of this run of the program.
template <class T>
std::size_t type_index() {
  static const std::size_t kIndex = next_type_index();
  return kIndex;
}

/// "a, b, c" → {a, b, c}
std::vector<std::string_view> split_names(std::string_view names);

/// For each recorded name the place of the own one; kUnknown where there is none.
inline constexpr std::size_t kUnknown = static_cast<std::size_t>(-1);
std::vector<std::size_t> places(std::string_view recorded, std::string_view own);

}  // namespace doctor::shape
