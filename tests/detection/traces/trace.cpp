#include "tests/detection/traces/trace.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "agent/net/gunzip.hpp"
#include "model/batch.hpp"

namespace doctor::detection {
namespace {

constexpr std::string_view kFirstLine = "flink-doctor jvm trace 1";
constexpr std::string_view kSuffix = ".trace.gz";
constexpr double kKib = 1024;

struct Written {
  std::string_view name;
  Metric metric;
  double factor;
};
constexpr std::array kWritten{
    Written{"heap_used_kib", Metric::jvm_heap_used, kKib},
    Written{"heap_max_kib", Metric::jvm_heap_max, kKib},
    Written{"nonheap_committed_kib", Metric::jvm_nonheap_committed, kKib},
    Written{"metaspace_used_kib", Metric::jvm_metaspace_used, kKib},
    Written{"metaspace_committed_kib", Metric::jvm_metaspace_committed, kKib},
    Written{"metaspace_max_kib", Metric::jvm_metaspace_max, kKib},
    Written{"classes_loaded", Metric::jvm_classes_loaded, 1},
    Written{"classes_unloaded", Metric::jvm_classes_unloaded, 1},
    Written{"threads", Metric::jvm_threads, 1},
    Written{"direct_used_kib", Metric::jvm_direct_used, kKib},
    Written{"resident_anonymous_kib", Metric::host_resident_anonymous, kKib},
    Written{"cpu_ms", Metric::jvm_cpu_time, 1e6},
};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t space = std::min(line.find(' '), line.size());
    if (space > 0) words.push_back(line.substr(0, space));
    line.remove_prefix(std::min(line.size(), space + 1));
  }
  return words;
}

std::optional<double> number(std::string_view word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<DurationMs> seconds(std::string_view word) {
  const auto value = number(word);
  if (!value || *value < 0 || *value > 1e9) return std::nullopt;
  return static_cast<DurationMs>(*value * 1000);
}

class Parser {
 public:
  explicit Parser(std::string name) { trace_.name = std::move(name); }

  /// False when the line cannot be what it should.
  bool take(std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.empty()) return false;
    if (words[0] == "!") return take_event(words);
    if (words[0].front() >= '0' && words[0].front() <= '9') return take_row(words);
    if (words[0] == "columns") return take_columns(words);
    if (words[0] == "truth") return take_truth(words);
    if (words[0] == "flags") trace_.flags.assign(words.begin() + 1, words.end());
    if (words[0] != "compression") return true;  // what is for people only
    const auto value = words.size() == 2 ? number(words[1]) : std::nullopt;
    trace_.compression = value.value_or(0);
    return trace_.compression >= 1;
  }

  bool is_complete() const { return has_truth_ && trace_.rows.size() > 1; }
  Trace finish() { return std::move(trace_); }

 private:
  bool take_columns(const std::vector<std::string_view>& words) {
    for (std::size_t i = 2; i < words.size(); ++i) {
      if (words[i].starts_with("gc:")) {
        trace_.columns.push_back({Metric::gc_count, std::string(words[i].substr(3)), 1});
        continue;
      }
      const auto known = std::find_if(kWritten.begin(), kWritten.end(),
                                      [&](const Written& w) { return w.name == words[i]; });
      if (known == kWritten.end()) return false;
      trace_.columns.push_back({known->metric, "", known->factor});
    }
    written_.assign(trace_.columns.size(), -1);
    return words.size() > 2 && words[1] == "at_s";
  }

  bool take_truth(const std::vector<std::string_view>& words) {
    has_truth_ = words.size() > 1;
    if (!has_truth_ || words[1] == "none") return has_truth_;
    trace_.detector = words[1];
    for (std::size_t i = 2; i < words.size(); ++i) {
      const std::size_t equals = words[i].find('=');
      if (equals == std::string_view::npos) return false;
      const std::string_view key = words[i].substr(0, equals), value = words[i].substr(equals + 1);
      const auto at = seconds(value);
      if (key == "culprit") {
        trace_.culprit = value;
      } else if (!at) {
        return false;
      } else if (key == "onset_s") {
        trace_.onset = *at;
      } else if (key == "end_s") {
        trace_.died = at;
      }
    }
    return true;
  }

  bool take_row(const std::vector<std::string_view>& words) {
    const auto at = seconds(words[0]);
    if (!at || written_.empty() || words.size() > written_.size() + 1) return false;
    if (!trace_.rows.empty() && *at <= trace_.rows.back().at) return false;
    TraceRow row{*at, {}};
    for (std::size_t i = 0; i < written_.size(); ++i) {
      const bool same = i + 1 >= words.size() || words[i + 1] == ".";
      const auto fresh = same ? written_[i] : number(words[i + 1]);
      if (!fresh) return false;
      written_[i] = *fresh;
      row.values.push_back(*fresh < 0 ? kAbsent : *fresh * trace_.columns[i].factor);
    }
    trace_.rows.push_back(std::move(row));
    return true;
  }

  bool take_event(const std::vector<std::string_view>& words) {
    const auto at = words.size() < 3 ? std::nullopt : seconds(words[1]);
    if (!at) return false;
    const bool submits = words[2] == "submit";
    if (!submits && words[2] != "end") return true;  // the JVM's last words
    if (words.size() != 4) return false;
    trace_.events.push_back({*at, submits, std::string(words[3])});
    return true;
  }

  Trace trace_;
  std::vector<double> written_;  // in the row before
  bool has_truth_{false};
};

Result<std::string> read_compressed(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string compressed((std::istreambuf_iterator<char>(stream)), {});
  StringSink text;
  Gunzip gunzip(text);
  if (const Status fed = gunzip.feed(compressed); !fed) return fed.error();
  if (const Status ended = gunzip.finish(); !ended) return ended.error();
  return std::move(text.text);
}

}  // namespace

Result<Trace> parse_trace(std::string name, std::string_view text) {
  Parser parser(name);
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    if (number == 1 ? line == kFirstLine : parser.take(line)) continue;
    return Error{ErrorCode::malformed,
                 name + ": line " + std::to_string(number) + " is none of a JVM's trace"};
  }
  if (!parser.is_complete()) {
    return Error{ErrorCode::malformed, name + " is cut short: its truth or its rows are missing"};
  }
  return parser.finish();
}

Result<std::vector<Trace>> read_traces(const std::string& directory) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().filename().string().ends_with(kSuffix)) paths.push_back(entry.path());
  }
  if (paths.empty()) return Error{ErrorCode::io, directory + " holds no *.trace.gz"};
  std::sort(paths.begin(), paths.end());
  std::vector<Trace> traces;
  for (const std::filesystem::path& path : paths) {
    const Result<std::string> text = read_compressed(path);
    if (!text) return Error{text.error().code, path.string() + ": " + text.error().message};
    const std::string file = path.filename().string();
    Result<Trace> trace = parse_trace(file.substr(0, file.size() - kSuffix.size()), *text);
    if (!trace) return trace.error();
    traces.push_back(std::move(*trace));
  }
  return traces;
}

}  // namespace doctor::detection
