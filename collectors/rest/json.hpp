// Reading JSON from a stranger: a body becomes a tree only after its depth was checked, members are
// read through Node, which knows its path and notes the first fault instead of throwing. Only
// parsers (here and in kubernetes/) include this file: nlohmann's header is slow to compile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.hpp"

namespace doctor::rest {

using Json = nlohmann::json;

/// ErrorCode::too_large beyond `depth_max`, ErrorCode::malformed for what is not JSON.
Result<Json> load(std::string_view body, std::size_t depth_max);

/// A value and where it stands. Faults go into one place shared by all nodes of a body; reading
/// goes on with empty values, so that a parser checks once, at its end. Nodes point at their
/// parents and must not outlive them.
class Node {
 public:
  Node(const Json& root, std::optional<Error>& fault) : json_(&root), fault_(&fault) {}

  bool is_object() const { return json_ != nullptr && json_->is_object(); }
  bool is_array() const { return json_ != nullptr && json_->is_array(); }
  /// Absent or null.
  bool is_none() const { return json_ == nullptr || json_->is_null(); }

  /// A member of an object; is_none() when absent. The node itself must be an object.
  Node operator[](const char* name) const;

  // Required: absent, null or another type is a fault.
  std::string text() const;
  std::int64_t integer() const;
  int count() const;  // clamped to what fits
  /// Calls `visit(Node)` for at most `count_max` elements of an array.
  template <class Visit>
  void for_each(std::size_t count_max, Visit visit) const {
    if (!expect(is_array(), "is not an array")) return;
    for (std::size_t i = 0; i < json_->size() && i < count_max; ++i) {
      visit(Node((*json_)[i], this, nullptr, i));
    }
  }
  /// Calls `visit(name, Node)` for at most `count_max` members of an object.
  template <class Visit>
  void for_each_member(std::size_t count_max, Visit visit) const {
    if (!expect(is_object(), "is not an object")) return;
    for (const auto& [name, value] : json_->items()) {
      if (count_max-- == 0) return;
      visit(name, Node(value, this, name.c_str(), 0));
    }
  }

  // Optional: absent and null are nullopt, and so is a number that is none ("NaN", beyond the
  // range). Another type is a fault.
  std::optional<std::string> text_if() const;
  std::optional<std::int64_t> integer_if() const;
  std::optional<double> number_if() const;
  /// As number_if(), and "true" and "false" as 1 and 0: what reporters make of a boolean gauge.
  std::optional<double> metric_value() const;
  std::optional<bool> flag_if() const;
  int count_or_0() const;

  /// "$.jobs[3].jid"
  std::string path() const;
  /// Notes a fault unless `condition` holds; returns it.
  bool expect(bool condition, const char* what) const;

 private:
  Node(const Json& json, const Node* parent, const char* name, std::size_t index)
      : json_(&json), fault_(parent->fault_), parent_(parent), name_(name), index_(index) {}

  const Json* json_;
  std::optional<Error>* fault_;
  const Node* parent_{nullptr};
  const char* name_{nullptr};
  std::size_t index_{0};
};

/// The ids of jobs and vertices, which we put into paths: 32 hexadecimal digits.
bool is_id(std::string_view text);

}  // namespace doctor::rest
