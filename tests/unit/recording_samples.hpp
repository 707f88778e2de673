// Records with every member set, and comparing them bit by bit: both walk the lists of
// agent/recording/fields.hpp, so that a member added to a struct is covered without a word here.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <type_traits>

#include "agent/recording/shape.hpp"

namespace doctor::test {

/// Sets every member to a value that no other has and no default is.
class Filler {
 public:
  template <class T>
  void fill(T& value) {
    ++number_;
    if constexpr (std::is_same_v<T, Metric>) {
      value = metric_catalogue()[number_ % metric_catalogue().size()].metric;
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(1 + number_ % (kEnumerators<T> - 1));
    } else if constexpr (std::is_same_v<T, bool>) {
      value = true;
    } else if constexpr (std::is_same_v<T, double>) {
      value = static_cast<double>(number_) + 0.1;
    } else if constexpr (std::is_arithmetic_v<T>) {
      value = static_cast<T>(number_);
      if constexpr (std::is_signed_v<T>) value = static_cast<T>(-value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = "canary" + std::to_string(number_);
    } else if constexpr (shape::kIs<T, std::optional>) {
      fill(value.emplace());
    } else if constexpr (shape::kIs<T, std::vector>) {
      for (int i = 0; i < 2; ++i) fill(value.emplace_back());
    } else if constexpr (shape::kIs<T, std::set>) {
      typename T::value_type element{};
      fill(element);
      value.insert(element);
    } else if constexpr (shape::kIs<T, std::map>) {
      typename T::key_type key{};
      fill(key);
      fill(value[key]);
    } else if constexpr (shape::kIs<T, std::variant>) {
      fill_alternative(value, number_ % std::variant_size_v<T>);
    } else if constexpr (shape::kIs<T, std::shared_ptr>) {
      auto made = std::make_shared<typename shape::Pointed<T>::Type>();
      fill(*made);
      value = std::move(made);
    } else {
      std::apply([this](auto&... member) { (fill(member), ...); }, Fields<T>::of(value));
    }
  }

  template <class T>
  void fill_alternative(T& value, std::size_t choice) {
    [&]<std::size_t... I>(std::index_sequence<I...> /*all*/) {
      ((I == choice ? fill(value.template emplace<I>()) : void()), ...);
    }
    (std::make_index_sequence<std::variant_size_v<T>>());
    if constexpr (std::is_same_v<T, decltype(StreamItem::what)>) {
      // A batch has a value for every key.
      if (auto* batch = std::get_if<Batch>(&value))
        batch->values.resize(batch->layout->keys.size());
    }
  }

 private:
  std::uint64_t number_{0};
};

/// Whether two values are the same to the last bit, NaNs included.
template <class T>
bool same(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> ||
                       std::is_same_v<T, std::string> || shape::kIs<T, std::set>) {
    return a == b;
  } else if constexpr (shape::kIs<T, std::optional>) {
    return a.has_value() == b.has_value() && (!a || same(*a, *b));
  } else if constexpr (shape::kIs<T, std::vector>) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return same(x, y); });
  } else if constexpr (shape::kIs<T, std::map>) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
      return same(x.first, y.first) && same(x.second, y.second);
    });
  } else if constexpr (shape::kIs<T, std::variant>) {
    return a.index() == b.index() &&
           std::visit(
               [&](const auto& x) {
                 return same(x, std::get<std::remove_cvref_t<decltype(x)>>(b));
               },
               a);
  } else if constexpr (shape::kIs<T, std::shared_ptr>) {
    return (a == nullptr) == (b == nullptr) && (a == nullptr || same(*a, *b));
  } else {
    const auto x = Fields<T>::of(a);
    const auto y = Fields<T>::of(b);
    return [&]<std::size_t... I>(std::index_sequence<I...> /*all*/) {
      return (same(std::get<I>(x), std::get<I>(y)) && ...);
    }
    (std::make_index_sequence<std::tuple_size_v<decltype(x)>>());
  }
}

/// One of each kind of record, and an item of each kind of item.
inline std::vector<Record> one_of_each() {
  std::vector<Record> all;
  Filler filler;
  constexpr std::size_t kRecords = std::variant_size_v<Record>;
  constexpr std::size_t kItems = std::variant_size_v<decltype(StreamItem::what)>;
  for (std::size_t i = 0; i + 1 < kRecords; ++i) filler.fill_alternative(all.emplace_back(), i);
  for (std::size_t i = 0; i < kItems; ++i) {
    StreamItem& item = std::get<StreamItem>(all.emplace_back(StreamItem{}));
    item.at = 1'767'225'600'000 + static_cast<TimestampMs>(i);
    filler.fill_alternative(item.what, i);
  }
  return all;
}

}  // namespace doctor::test
