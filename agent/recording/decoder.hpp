// Decoder: the bytes of a frame back into records. Whatever the bytes are, it neither reads past
// them nor allocates past the bounds of format.hpp: the first thing that cannot be stops it, and
// what it gives after that is worth nothing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/recording/shape.hpp"
#include "model/result.hpp"

namespace doctor {

class Decoder {
 public:
  /// The next frame. `fresh`: what was remembered of those before is void.
  void feed(std::string bytes, bool fresh);
  bool at_end() const { return at_ >= bytes_.size(); }

  /// The next value; `value` is default-constructed, and members that the recording does not know
  /// stay so.
  template <class T>
  Status get(T& value);

  /// The own id of a recorded entity: what comes later is given in own ids. The reader defines
  /// every entity before the first item that speaks of it.
  void define(ClusterIndex cluster, EntityId recorded, EntityId own);
  EntityId own_id(ClusterIndex cluster, EntityId recorded) const;

  /// Series, over all layouts, that this program does not know.
  std::uint64_t left_out() const { return left_out_; }

 private:
  struct Columns {
    std::uint64_t layout{};
    std::vector<std::uint64_t> bits;
  };
  struct SharedLayout {
    std::shared_ptr<const Layout> layout;
    std::vector<bool> known;  // by recorded key: whether it stands in `layout`
  };
  struct Names {
    bool described{false};
    bool same{true};
    std::vector<std::size_t> places;
  };

  template <class T>
  void read(T& value);
  template <class T>
  void read_struct(T& value);
  template <class T>
  void read_member(T& value, std::size_t place);
  template <class T>
  const Names& names();
  template <class T>
  std::size_t read_choice();
  template <class T>
  void read_shared(std::shared_ptr<const T>& pointer);
  template <class T>
  void settle(T& /*value*/) {}
  void settle(SourceHealth& health);
  void read_batch(Batch& batch);
  void read_columns(Batch& batch, std::uint64_t layout_place, const SharedLayout& layout);
  std::uint64_t read_layout();
  SharedLayout settled(Layout layout);
  Metric read_metric();
  std::uint64_t read_number();
  std::uint64_t read_bits();
  std::string read_text();
  std::size_t read_count();
  std::size_t left() const { return bytes_.size() - at_; }
  /// Whether so much more memory may be taken by this frame.
  bool afford(std::size_t bytes);
  void keep(std::size_t bytes);
  void fail(std::string why);

  std::string bytes_;
  std::size_t at_{};
  std::string fault_;  // empty: none so far
  std::size_t decoded_bytes_{};
  std::size_t retained_bytes_{};
  std::uint64_t left_out_{};
  ClusterIndex cluster_{};  // of the item being read
  std::vector<std::string> texts_;
  std::vector<Names> names_;                                      // by type_index()
  std::vector<std::vector<std::shared_ptr<const void>>> shared_;  // by type_index()
  std::vector<SharedLayout> layouts_;
  std::map<std::pair<ClusterIndex, SourceId>, Columns> columns_;
  std::vector<std::vector<EntityId>> entities_;  // cluster → recorded id → own id
};

template <class T>
Status Decoder::get(T& value) {
  if (fault_.empty() && at_end()) fail("nothing is left");
  read(value);
  if (!fault_.empty()) return Error{ErrorCode::malformed, fault_};
  return Done{};
}

template <class T>
const Decoder::Names& Decoder::names() {
  const std::size_t index = shape::type_index<T>();
  if (names_.size() <= index) names_.resize(index + 1);
  if (!names_[index].described) {
    const std::string recorded = read_text();
    const std::string& own = shape::own_names<T>();
    names_[index] = {true, recorded == own, shape::places(recorded, own)};
  }
  return names_[index];
}

/// An enumerator or an alternative, in own numbers.
template <class T>
std::size_t Decoder::read_choice() {
  const std::vector<std::size_t>& places = names<T>().places;
  const std::uint64_t recorded = read_number();
  if (recorded < places.size() && places[recorded] != shape::kUnknown) return places[recorded];
  fail("a choice that does not exist in " + std::string(shape::type_name<T>()));
  return 0;
}

template <class T>
void Decoder::read(T& value) {
  if (!fault_.empty()) return;
  if constexpr (std::is_same_v<T, Metric>) {
    value = read_metric();
  } else if constexpr (std::is_enum_v<T>) {
    value = static_cast<T>(read_choice<T>());
  } else if constexpr (std::is_same_v<T, double>) {
    value = std::bit_cast<double>(read_bits());
  } else if constexpr (std::is_unsigned_v<T>) {
    const std::uint64_t number = read_number();
    value = static_cast<T>(number);
    if (static_cast<std::uint64_t>(value) != number) fail("a number too large for its place");
  } else if constexpr (std::is_integral_v<T>) {
    const std::uint64_t folded = read_number();
    const auto wide = static_cast<std::int64_t>((folded >> 1U) ^ (~(folded & 1U) + 1U));
    value = static_cast<T>(wide);
    if (static_cast<std::int64_t>(value) != wide) fail("a number too large for its place");
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = read_text();
  } else if constexpr (shape::kIs<T, std::optional>) {
    bool has_value = false;
    read(has_value);
    if (has_value) read(value.emplace());
  } else if constexpr (shape::kIs<T, std::vector>) {
    const std::size_t count = read_count();
    for (std::size_t i = 0; i < count && afford(2 * sizeof(typename T::value_type)); ++i) {
      read(value.emplace_back());
    }
  } else if constexpr (shape::kIs<T, std::set>) {
    const std::size_t count = read_count();
    for (std::size_t i = 0; i < count && afford(sizeof(typename T::value_type) + 48); ++i) {
      typename T::value_type element{};
      read(element);
      value.insert(std::move(element));
    }
  } else if constexpr (shape::kIs<T, std::map>) {
    const std::size_t count = read_count();
    for (std::size_t i = 0; i < count && afford(sizeof(typename T::value_type) + 48); ++i) {
      typename T::key_type key{};
      read(key);
      read(value[std::move(key)]);
    }
  } else if constexpr (shape::kIs<T, std::variant>) {
    const std::size_t choice = read_choice<T>();
    [&]<std::size_t... I>(std::index_sequence<I...> /*all*/) {
      ((I == choice ? read(value.template emplace<I>()) : void()), ...);
    }
    (std::make_index_sequence<std::variant_size_v<T>>());
  } else if constexpr (shape::kIs<T, std::shared_ptr>) {
    read_shared(value);
  } else if constexpr (std::is_same_v<T, Batch>) {
    read_batch(value);
  } else {
    read_struct(value);
    settle(value);
  }
}

template <class T>
void Decoder::read_member(T& value, std::size_t place) {
  [&]<std::size_t... I>(std::index_sequence<I...> /*all*/) {
    auto members = Fields<T>::of(value);
    ((I == place ? read(std::get<I>(members)) : void()), ...);
  }
  (std::make_index_sequence<std::tuple_size_v<decltype(Fields<T>::of(value))>>());
}

template <class T>
void Decoder::read_struct(T& value) {
  const Names& recorded = names<T>();
  if (recorded.same) {
    const auto read_all = [this](auto&... member) {
      const auto read_one = [this](auto& one) {
        read(one);
        if constexpr (std::is_same_v<T, StreamItem>) {
          if constexpr (std::is_same_v<std::remove_reference_t<decltype(one)>, ClusterIndex>) {
            cluster_ = one;
          }
        }
      };
      (read_one(member), ...);
    };
    std::apply(read_all, Fields<T>::of(value));
    return;
  }
  const std::vector<std::size_t> places = recorded.places;  // names_ may move below
  for (const std::size_t place : places) {
    if (place == shape::kUnknown) {
      return fail("a member of " + std::string(shape::type_name<T>()) +
                  " that this version does not know any more");
    }
    read_member(value, place);
    if constexpr (std::is_same_v<T, StreamItem>) cluster_ = value.cluster;
  }
}

template <class T>
void Decoder::read_shared(std::shared_ptr<const T>& pointer) {
  const std::size_t index = shape::type_index<T>();
  if (shared_.size() <= index) shared_.resize(index + 1);
  const std::uint64_t code = read_number();
  if (code == 0 || !fault_.empty()) return fail("nothing where something must be");
  if (code == 1) {
    const std::size_t decoded_before = decoded_bytes_;
    auto made = std::make_shared<T>();
    if (!afford(sizeof(T))) return;
    read(*made);
    keep(decoded_bytes_ - decoded_before);
    shared_[index].push_back(made);
    pointer = std::move(made);
  } else if (code - 2 < shared_[index].size()) {
    pointer = std::static_pointer_cast<const T>(shared_[index][code - 2]);
  } else {
    fail("a reference to what was never written");
  }
}

}  // namespace doctor
