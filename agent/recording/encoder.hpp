// Encoder: records into the bytes of a frame. What repeats (texts, facts, layouts) is written once
// and then referred to; values are written as what changed since the scrape before. README.md
// beside this file says how every kind of value looks.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/recording/format.hpp"
#include "agent/recording/shape.hpp"

namespace doctor {

class Encoder {
 public:
  template <class T>
  void put(const T& value);

  /// What was put since the last take().
  std::size_t size() const { return bytes_.size(); }
  std::string take() { return std::exchange(bytes_, {}); }
  /// What a reader has to remember to understand the next frame: too much of it?
  bool is_full() const;
  /// Starts afresh, as the reader must at the frame that follows.
  void forget();

 private:
  struct Columns {
    std::uint64_t layout{};
    std::vector<double> values;
  };
  using Shared = std::unordered_map<std::string, std::uint64_t>;  // content → place

  void put_number(std::uint64_t number);
  void put_bits(std::uint64_t bits);
  void put_text(std::string_view text);
  void put_columns(const Batch& batch, std::uint64_t layout);
  template <class T>
  void describe();
  template <class T>
  std::uint64_t put_shared(const std::shared_ptr<const T>& pointer);
  void put_batch(const Batch& batch);

  std::string bytes_;
  ClusterIndex cluster_{};  // of the item being put
  std::unordered_map<std::string, std::uint64_t> texts_;
  std::vector<bool> described_;  // by type_index()
  std::vector<Shared> shared_;   // by type_index()
  std::size_t shared_bytes_{};
  std::map<std::pair<ClusterIndex, SourceId>, Columns> columns_;
};

template <class T>
void Encoder::describe() {
  const std::size_t index = shape::type_index<T>();
  if (described_.size() <= index) described_.resize(index + 1);
  if (described_[index]) return;
  described_[index] = true;
  put_text(shape::own_names<T>());
}

template <class T>
void Encoder::put(const T& value) {
  if constexpr (std::is_same_v<T, Metric>) {
    put_text(is_user_metric(value) ? format::kUserMetric : info(value).name);
  } else if constexpr (std::is_enum_v<T>) {
    describe<T>();
    put_number(static_cast<std::uint64_t>(value));
  } else if constexpr (std::is_same_v<T, double>) {
    put_bits(std::bit_cast<std::uint64_t>(value));
  } else if constexpr (std::is_unsigned_v<T>) {
    put_number(value);
  } else if constexpr (std::is_integral_v<T>) {
    const auto wide = static_cast<std::int64_t>(value);
    put_number((static_cast<std::uint64_t>(wide) << 1U) ^ static_cast<std::uint64_t>(wide >> 63));
  } else if constexpr (std::is_same_v<T, std::string>) {
    put_text(value);
  } else if constexpr (shape::kIs<T, std::optional>) {
    put(value.has_value());
    if (value) put(*value);
  } else if constexpr (shape::kIs<T, std::vector> || shape::kIs<T, std::set>) {
    put_number(value.size());
    for (const auto& element : value) put(element);
  } else if constexpr (shape::kIs<T, std::map>) {
    put_number(value.size());
    for (const auto& [key, element] : value) {
      put(key);
      put(element);
    }
  } else if constexpr (shape::kIs<T, std::variant>) {
    describe<T>();
    put_number(value.index());
    std::visit([this](const auto& alternative) { put(alternative); }, value);
  } else if constexpr (shape::kIs<T, std::shared_ptr>) {
    put_shared(value);
  } else if constexpr (std::is_same_v<T, Batch>) {
    put_batch(value);
  } else {
    if constexpr (std::is_same_v<T, StreamItem>) cluster_ = value.cluster;
    describe<T>();
    std::apply([this](const auto&... member) { (put(member), ...); }, Fields<T>::of(value));
  }
}

/// 0: null; 1: what follows, which takes the next place of its type; else place + 2.
template <class T>
std::uint64_t Encoder::put_shared(const std::shared_ptr<const T>& pointer) {
  if (!pointer) {
    put_number(0);
    return 0;
  }
  const std::size_t index = shape::type_index<T>();
  if (shared_.size() <= index) shared_.resize(index + 1);
  const std::size_t begin = bytes_.size();
  put_number(1);
  put(*pointer);
  const std::size_t end = bytes_.size();
  // Known is what would be written in the same way a second time, when all its names and texts are
  // references. Ids of entities mean something else in another cluster.
  put(*pointer);
  std::string content = std::to_string(cluster_) + ' ' + bytes_.substr(end);
  Shared& known = shared_[index];
  const auto place = known.find(content);
  if (place != known.end()) {
    bytes_.resize(begin);
    put_number(place->second + 2);
    return place->second;
  }
  bytes_.resize(end);
  shared_bytes_ += content.size();
  return known.emplace(std::move(content), known.size()).first->second;
}

}  // namespace doctor
