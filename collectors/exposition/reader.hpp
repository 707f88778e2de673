// Push parser for the Prometheus text format 0.0.4 as Flink's reporter writes it: fed window by
// window, never holds a whole body. Malformed lines are skipped and counted by reason; the rest is
// kept. It knows nothing of Flink. Where the windows are cut never changes the result.
//
// Which names are wanted is asked once per name: when the name of a HELP, TYPE or sample line
// differs from the line before. Flink's reporter puts both comments before every family, but the
// format does not: a family may come without any, right behind another's samples, and "…_count" is
// no sample of "…". So a comment's answer is not trusted for what follows. Of each line the name is
// compared, and only while it is the unwanted one the reader jumps, from behind the name to the
// next line. Such a line is not judged otherwise: nothing of it would be kept.
//
// Of a wanted name the sink is shown the series as it is on the wire; labels are parsed only when
// it does not know it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "collectors/exposition/labels.hpp"
#include "model/line_fault.hpp"

namespace doctor::exposition {

/// Receives what was read. Views live until the call returns.
class Sink {
 public:
  virtual ~Sink() = default;
  /// `name` is a valid metric name: of a family, or of a sample ("…_count" of a summary).
  virtual bool wants(std::string_view name) = 0;
  /// The length of the series that may come next, as on the wire with its closing brace; 0 when
  /// there is no telling. A guess that is right saves looking for the end of the line.
  virtual std::size_t expected_bytes() { return 0; }
  /// `series` is the name and labels of a sample exactly as on the wire, when its line is well
  /// formed, or the bytes that were expected. True when they are a series that sample() was called
  /// for before: the same bytes are the same series, and its value is taken.
  virtual bool known(std::string_view series, double value) {
    static_cast<void>(series);
    static_cast<void>(value);
    return false;
  }
  /// The sample that known() has just refused, when it is well formed.
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
  Reader(Sink& sink, std::size_t line_bytes_max, PlainEnd plain_end = best_plain_end());

  void feed(std::span<const char> window);
  /// The body ended well: a last line without newline is read too.
  void finish();
  const ReaderStats& stats() const { return stats_; }

 private:
  void piece(std::string_view text, bool ends_line);
  std::string_view behind_skipped(std::string_view text);
  std::string_view behind_expected(std::string_view text);
  void line(std::string_view text);
  void comment(std::string_view text);
  void sample_line(std::string_view text);
  void wanted_sample(std::string_view text);
  bool begins_with_name(std::string_view text) const;
  void ask(std::string_view name);
  void fault(LineFault reason) { ++stats_.faults[reason]; }

  Sink& sink_;
  std::size_t line_bytes_max_;
  std::string carry_;  // the beginning of a line whose end is in a later window
  bool overlong_{false};
  std::string name_;  // the last name asked about
  bool name_wanted_{false};
  Labels labels_;
  ReaderStats stats_;
};

}  // namespace doctor::exposition
