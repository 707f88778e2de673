#include "collectors/rest/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "model/text.hpp"

namespace doctor::rest {
namespace {

const Json kNone;

/// Whether brackets nest deeper than allowed. Only a filter before the real parser: what is not
/// JSON may be counted wrongly, and is refused later.
bool too_deep(std::string_view body, std::size_t depth_max) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > depth_max) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

std::optional<double> number_in(const std::string& text) {
  double value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> integer_of(double value) {
  // 2^63 itself is not representable; every double below it is.
  if (!(std::abs(value) < 9223372036854775808.0)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

}  // namespace

Result<Json> load(std::string_view body, std::size_t depth_max) {
  if (too_deep(body, depth_max)) {
    return Error{ErrorCode::too_large,
                 "JSON nested deeper than " + std::to_string(depth_max) + " levels"};
  }
  Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) {
    return Error{ErrorCode::malformed,
                 body.empty() ? "an empty body instead of JSON"
                              : "not JSON: \"" + printable(body.substr(0, 60), 48) + "\""};
  }
  return json;
}

Node Node::operator[](const char* name) const {
  if (!expect(is_object(), "is not an object")) return {kNone, this, name, 0};
  const auto member = json_->find(name);
  return {member == json_->end() ? kNone : *member, this, name, 0};
}

std::string Node::text() const {
  if (!expect(!is_none(), "is missing")) return {};
  return text_if().value_or("");
}

std::int64_t Node::integer() const {
  if (!expect(!is_none(), "is missing")) return 0;
  const std::optional<std::int64_t> value = integer_if();
  expect(value.has_value(), "is not an integer");
  return value.value_or(0);
}

std::optional<std::string> Node::text_if() const {
  if (is_none() || !expect(json_->is_string(), "is not a string")) return std::nullopt;
  return json_->get_ref<const std::string&>();
}

std::optional<std::int64_t> Node::integer_if() const {
  if (is_none()) return std::nullopt;
  if (json_->is_number_unsigned()) {
    const auto value = json_->get<std::uint64_t>();
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return value > kMax ? std::nullopt : std::optional(static_cast<std::int64_t>(value));
  }
  if (json_->is_number_integer()) return json_->get<std::int64_t>();
  if (json_->is_string()) {
    const auto& text = json_->get_ref<const std::string&>();
    std::int64_t value{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc{} && stop == end) return value;
  }
  const std::optional<double> value = number_if();
  return value ? integer_of(*value) : std::nullopt;
}

std::optional<double> Node::number_if() const {
  if (is_none()) return std::nullopt;
  if (json_->is_string()) return number_in(json_->get_ref<const std::string&>());
  if (!expect(json_->is_number(), "is not a number")) return std::nullopt;
  const auto value = json_->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<double> Node::metric_value() const {
  if (!is_none() && json_->is_string()) {
    const auto& text = json_->get_ref<const std::string&>();
    if (text == "true" || text == "false") return text == "true" ? 1 : 0;
  }
  return number_if();
}

std::optional<bool> Node::flag_if() const {
  if (is_none() || !expect(json_->is_boolean(), "is not a boolean")) return std::nullopt;
  return json_->get<bool>();
}

int Node::count() const {
  expect(!is_none(), "is missing");
  return count_or_0();
}

int Node::count_or_0() const {
  return static_cast<int>(
      std::clamp<std::int64_t>(integer_if().value_or(0), 0, std::numeric_limits<int>::max()));
}

std::string Node::path() const {
  if (parent_ == nullptr) return "$";
  if (name_ == nullptr) return parent_->path() + "[" + std::to_string(index_) + "]";
  return parent_->path() + "." + printable(name_, 64);
}

bool Node::expect(bool condition, const char* what) const {
  if (!condition && !fault_->has_value()) {
    *fault_ = Error{ErrorCode::malformed, path() + " " + what};
  }
  return condition;
}

bool is_id(std::string_view text) {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace doctor::rest
