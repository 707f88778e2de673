// Push parser for the Prometheus text format 0.0.4 as Flink's reporter writes it: fed window by
// window, never holds a whole body. Malformed lines are skipped and counted by reason; the rest is
// kept. It knows nothing of Flink: which names are wanted is asked when the name of a HELP, TYPE or
// sample line differs from the line before, and samples of unwanted names are skipped without
// parsing labels. Where the windows are cut never changes the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.hpp"

namespace doctor::exposition {

struct Label {
  std::string_view name;
  std::string_view value;  // unescaped, valid UTF-8, may hold control characters
};

enum class LineFault {
  no_name,
  bad_name,
  bad_labels,
  bad_escape,
  duplicate_label,
  too_many_labels,
  no_value,
  bad_value,
  bad_timestamp,
  trailing_text,
  too_long,
  bad_utf8
};
std::string_view to_string(LineFault fault);

inline constexpr std::size_t kLabelsMax = 64;

/// Receives what was read. Views live until the call returns.
class Sink {
 public:
  virtual ~Sink() = default;
  /// `name` is a valid metric name: of a family, or of a sample ("…_count" of a summary).
  virtual bool wants(std::string_view name) = 0;
  /// Only for names whose latest wants() was true.
  virtual void sample(std::string_view name, std::span<const Label> labels, double value) = 0;
};

struct ReaderStats {
  std::uint64_t lines{};    // without blank ones
  std::uint64_t samples{};  // given to the sink
  std::uint64_t skipped{};  // samples of unwanted names, of which nothing but the name was read
  std::map<LineFault, std::uint64_t> faults;

  std::uint64_t faults_total() const;
};

class Reader {
 public:
  /// Lines longer than `line_bytes_max` (without the newline) are skipped and never held.
  Reader(Sink& sink, std::size_t line_bytes_max);

  void feed(std::span<const char> window);
  /// The body ended well: a last line without newline is read too.
  void finish();
  const ReaderStats& stats() const { return stats_; }

 private:
  void piece(std::string_view text, bool ends_line);
  void line(std::string_view text);
  void comment(std::string_view text);
  void sample_line(std::string_view text);
  bool ask(std::string_view name);
  bool parse_labels(std::string_view& rest);
  bool parse_label(std::string_view& rest);
  bool parse_label_value(std::string_view& rest, std::string_view& value);
  bool fault(LineFault reason);  // counts; always false

  Sink& sink_;
  std::size_t line_bytes_max_;
  std::string carry_;  // the beginning of a line whose end is in a later window
  bool overlong_{false};
  std::string name_;  // the last name asked about
  bool name_wanted_{false};
  std::vector<Label> labels_;
  std::string
      unescaped_;  // what labels_ with escapes point into; reserved per line, so it stays put
  ReaderStats stats_;
};

/// An exact IEEE double as the format writes it: decimal, "NaN", "+Inf", "-Inf". No hex, no '_';
/// what a double cannot hold ("1e400") is refused rather than rounded to infinity or zero.
Result<double> parse_value(std::string_view text);

}  // namespace doctor::exposition
