#include "collectors/query_range/matrix.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "model/text.hpp"

namespace doctor::query_range {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kWarningsMax = 5;
constexpr double kSecondsMax = 1e11;  // the year 5138

/// Where in the answer the parser stands. What is of no interest is `other`, and so is all in it.
enum class Place { outside, root, data, result, series, labels, values, sample, warnings, other };

Place inside(Place outer, const std::string& key, bool is_array) {
  switch (outer) {
    case Place::outside:
      return is_array ? Place::other : Place::root;
    case Place::root:
      if (key == "data" && !is_array) return Place::data;
      return key == "warnings" && is_array ? Place::warnings : Place::other;
    case Place::data:
      return key == "result" && is_array ? Place::result : Place::other;
    case Place::result:
      return is_array ? Place::other : Place::series;
    case Place::series:
      if (key == "metric" && !is_array) return Place::labels;
      return key == "values" && is_array ? Place::values : Place::other;
    case Place::values:
      return is_array ? Place::sample : Place::other;
    default:
      return Place::other;
  }
}

std::optional<double> value_in(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);  // "+Inf"
  double value{};
  const char* const end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, value);
  if (stop != end || text.empty()) return std::nullopt;
  if (fault == std::errc::result_out_of_range) return std::numeric_limits<double>::quiet_NaN();
  if (fault != std::errc{}) return std::nullopt;
  return value;
}

/// nlohmann's parser tells us what it meets, and stops when we say false. It does not recurse.
class Reader final : public nlohmann::json_sax<Json> {
 public:
  Reader(MatrixSink& sink, const Limits& limits) : sink_(sink), limits_(limits) {}

  Result<Answer> finish(bool well) && {
    if (fault_) return *fault_;
    if (!well) return Error{ErrorCode::malformed, "the answer is not the JSON of a query"};
    if (status_ == "error") {
      return Error{ErrorCode::http_status, "the store says: " + printable(message_, 200)};
    }
    if (status_ != "success" || type_ != "matrix") {
      return Error{ErrorCode::malformed, "the answer is no matrix of a range query"};
    }
    if (is_partial_) answer_.warnings.emplace_back("the answer is partial");
    return std::move(answer_);
  }

  bool null() override { return scalar(); }
  bool binary(binary_t& /*value*/) override { return scalar(); }
  bool boolean(bool value) override {
    if (place_ == Place::root && key_ == "isPartial") is_partial_ = value;
    return scalar();
  }
  bool number_integer(number_integer_t value) override {
    return number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t& /*text*/) override {
    return number(value);
  }
  bool string(string_t& text) override {
    if (place_ == Place::labels) return label(text);
    if (place_ == Place::sample) return value(text);
    if (place_ == Place::root && key_ == "status") status_ = text;
    if (place_ == Place::root && key_ == "error") message_ = text;
    if (place_ == Place::data && key_ == "resultType") type_ = text;
    if (place_ == Place::warnings && answer_.warnings.size() < kWarningsMax) {
      answer_.warnings.push_back(printable(text, 200));
    }
    return true;
  }
  bool start_object(std::size_t /*size*/) override { return enter(false); }
  bool start_array(std::size_t /*size*/) override { return enter(true); }
  bool end_object() override { return leave(); }
  bool end_array() override {
    if (place_ == Place::sample && numbers_ != 2) return refuse("a sample is not [time, value]");
    return leave();
  }
  bool key(string_t& text) override {
    key_ = text;
    return true;
  }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*fault*/) override {
    return false;
  }

 private:
  bool refuse(const char* why, ErrorCode code = ErrorCode::malformed) {
    if (!fault_) fault_ = Error{code, why};
    return false;
  }

  bool enter(bool is_array) {
    if (places_.size() >= limits_.json_depth_max) {
      return refuse("the answer is nested too deep", ErrorCode::too_large);
    }
    if (place_ == Place::sample || place_ == Place::labels) {
      return refuse("a label or a sample is no plain value");
    }
    places_.push_back(place_);
    place_ = inside(place_, key_, is_array);
    if (place_ == Place::series) has_labels_ = false;
    if (place_ == Place::sample) numbers_ = 0;
    if (place_ == Place::labels) {
      texts_.clear();
      label_bytes_ = 0;
      has_labels_ = true;
    }
    return place_ != Place::values || begin_series();
  }

  bool leave() {
    place_ = places_.back();
    places_.pop_back();
    return true;
  }

  bool label(const std::string& value) {
    label_bytes_ += key_.size() + value.size();
    if (texts_.size() >= exposition::kLabelsMax || label_bytes_ > limits_.history_label_bytes_max) {
      return refuse("the labels of a series are too large", ErrorCode::too_large);
    }
    texts_.emplace_back(key_, value);
    return true;
  }

  bool begin_series() {
    if (!has_labels_) return refuse("the values of a series come before its labels");
    labels_.clear();
    for (const auto& [name, value] : texts_) labels_.push_back({name, value});
    const Status taken = sink_.series(labels_);
    if (!taken) fault_ = taken.error();
    return taken.ok();
  }

  bool scalar() { return place_ != Place::sample || refuse("a sample is not [time, value]"); }

  bool number(double seconds) {
    if (place_ != Place::sample) return true;
    if (numbers_++ != 0 || !(std::abs(seconds) < kSecondsMax)) {
      return refuse("a sample is not [time, value]");
    }
    at_ = std::llround(seconds * static_cast<double>(kSecondMs));
    return true;
  }

  bool value(const std::string& text) {
    const std::optional<double> value = value_in(text);
    if (numbers_++ != 1 || !value) return refuse("a sample is not [time, value]");
    sink_.sample(at_, *value);
    return true;
  }

  MatrixSink& sink_;
  const Limits& limits_;
  Place place_{Place::outside};
  std::vector<Place> places_;  // around it
  std::string key_, status_, type_, message_;
  std::vector<std::pair<std::string, std::string>> texts_;
  std::vector<exposition::Label> labels_;
  std::size_t label_bytes_{0};
  bool has_labels_{false};
  bool is_partial_{false};
  int numbers_{0};  // of the sample, that were read
  TimestampMs at_{0};
  Answer answer_;
  std::optional<Error> fault_;
};

}  // namespace

Result<Answer> read_matrix(std::string_view body, MatrixSink& sink, const Limits& limits) {
  Reader reader(sink, limits);
  const bool well = Json::sax_parse(body.begin(), body.end(), &reader);
  return std::move(reader).finish(well);
}

}  // namespace doctor::query_range
