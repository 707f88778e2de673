// LineSplitter: lines out of windows of a growing file. Of an overlong line the beginning is given
// and the rest is skipped. Where the windows are cut never changes the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace doctor {

class LineSplitter {
 public:
  /// The view lives until the call returns; without "\n" and "\r\n", and without the zero bytes
  /// that truncating a file under a writer leaves before a line.
  using Sink = std::function<void(std::string_view line)>;

  struct Stats {
    std::uint64_t lines{};
    std::uint64_t cut{};  // of these, longer than the cap
  };

  LineSplitter(std::size_t line_bytes_max, Sink sink);

  void feed(std::string_view window);
  /// Nothing follows: a last line without newline is given too.
  void finish();
  /// There is a gap before the next window: what comes up to a newline is the rest of some line.
  void skip_line();
  const Stats& stats() const { return stats_; }

 private:
  void piece(std::string_view text, bool ends_line);
  void give(std::string_view line);

  std::size_t line_bytes_max_;
  Sink sink_;
  std::string carry_;  // the beginning of a line whose end is not there yet
  bool skipping_{false};
  Stats stats_;
};

}  // namespace doctor
