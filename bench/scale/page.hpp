// What the generator answers: a reporter's page that changes from scrape to scrape, and a
// JobManager's REST answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/flink_body.hpp"

namespace doctor::bench {

/// A rendered page whose growing counters are rewritten in place, so that a scrape costs the
/// generator microseconds.
class Page {
 public:
  explicit Page(std::string text);
  /// A quarter of the values grows, as far as their number of digits stays the same.
  void next();
  /// All tasks restart: another attempt id for each of them, of the same length.
  void restart_tasks();
  const std::string& text() const { return text_; }

 private:
  struct Counter {
    std::uint32_t at, size;  // of its digits in the text
    double value;
  };
  std::string text_;
  std::uint32_t restarts_{0};
  std::vector<Counter> counters_;
};

/// By path; "" is what unknown paths are answered.
using RestAnswers = std::map<std::string, std::string>;

/// Of Flink 1.20 with one job whose subtasks run on these TaskManagers.
RestAnswers rest_answers(const BodyShape& shape, const std::vector<std::string>& addresses);

}  // namespace doctor::bench
