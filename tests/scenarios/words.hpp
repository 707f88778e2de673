// One line of a scenario, cut into words and key=value options, taken one by one; the first thing
// that is wrong with it is kept. Quotes hold blanks together, braces hold labels together.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/time.hpp"

namespace doctor::scenario {

/// "250ms", "15s", "5m", "2h", "1d", "1h30m", "-2h".
std::optional<DurationMs> parse_duration(std::string_view text);
/// "12", "-1", "3.5e6", "10MiB", "3.5GiB", "100kB".
std::optional<double> parse_number(std::string_view text);

struct Labelled {
  std::string name;
  std::map<std::string, std::string> labels;
};
/// "name", "name{a="b",c=d}".
std::optional<Labelled> parse_labelled(std::string_view text);

std::vector<std::string> split(std::string_view text, std::string_view separator);

class Words {
 public:
  explicit Words(std::string_view line);

  bool empty() const { return words_.empty() && options_.empty(); }
  const std::string& error() const { return error_; }
  void fail(std::string message);
  /// Complains about what nobody took.
  void finish();

  // Words, from the front or anywhere.
  bool has_word() const { return !words_.empty(); }
  std::string peek() const { return words_.empty() ? "" : words_.front(); }
  std::string word(std::string_view what);  // fails when there is none
  bool accept(std::string_view word);       // takes the front if it is this one
  bool flag(std::string_view word);         // takes it from anywhere
  DurationMs duration_word(std::string_view what);
  std::optional<DurationMs> duration_after(std::string_view word);  // "every 15s", anywhere

  // Options.
  std::optional<std::string> option(std::string_view key);
  std::string text(std::string_view key, std::string_view fallback);
  DurationMs duration(std::string_view key, DurationMs fallback);
  std::optional<DurationMs> duration(std::string_view key);
  std::optional<double> number(std::string_view key);
  int integer(std::string_view key, int fallback);

 private:
  void add(std::string_view token);

  std::vector<std::string> words_;
  std::map<std::string, std::string, std::less<>> options_;
  std::string error_;
};

}  // namespace doctor::scenario
