#include "bench/flink_body.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <random>
#include <string_view>

namespace doctor::bench {
namespace {

constexpr std::size_t kFamilies = 143;        // of a TaskManager with RocksDB
constexpr std::size_t kShortLineBytes = 150;  // below, only what places a series has room
constexpr const char* kColumnFamily = "window_state";

struct Family {
  std::string name;
  bool of_operator;
};

Family family_of(const MetricInfo& about, const std::string& star) {
  const bool of_operator = about.level != Level::subtask;
  std::string name(about.reporter_name);
  if (const std::size_t at = name.find('*'); at != std::string::npos) name.replace(at, 1, star);
  return {std::string("flink_taskmanager_job_task_") + (of_operator ? "operator_" : "") + name,
          of_operator};
}

bool has(const std::vector<Metric>& metrics, Metric metric) {
  return std::find(metrics.begin(), metrics.end(), metric) != metrics.end();
}

std::vector<Family> families(const BodyShape& shape) {
  std::vector<Family> found;
  const std::vector<Metric> kept = kept_metrics(shape);
  found.reserve(kFamilies);
  for (const Metric metric : kept) found.push_back(family_of(info(metric), kColumnFamily));
  const auto add = [&](Level level, const std::string& star) {
    for (const MetricInfo& about : metric_catalogue()) {
      if (about.level != level || about.reporter_name.empty() || !about.quantile.empty()) continue;
      if (has(kept, about.metric) || has(shape.left_out, about.metric)) continue;
      found.push_back(family_of(about, star));
    }
  };
  add(Level::subtask, "");
  if (shape.line_bytes < kShortLineBytes) return found;
  add(Level::operator_, "");
  for (int i = 0; found.size() < kFamilies; ++i) {
    add(Level::column_family, "window_state_" + std::to_string(i));
  }
  found.resize(kFamilies);
  return found;
}

/// 32 digits, as Flink's ids are.
std::string hex(std::uint64_t seed) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::uint64_t i = 0; i < 32; ++i) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    text.push_back(kDigits[seed >> 60U]);
  }
  return text;
}

struct Place {
  std::size_t target, task, subtask;
};

std::string short_labels(const Place& place) {
  return "job_id=\"a\",task_id=\"b" + std::to_string(place.task) + "\",subtask_index=\"" +
         std::to_string(place.subtask) + "\",tm_id=\"t" + std::to_string(place.target) + "\",";
}

/// In the reporter's order; names are stretched until a line has its length.
std::string long_labels(const Place& place, const Family& family, std::size_t bytes) {
  const std::string task = vertex_id(place.task);
  const std::string subtask = std::to_string(place.subtask);
  std::string labels = "job_id=\"" + job_id() + "\",task_id=\"" + task + "\",";
  std::string more;
  if (bytes > 300) {
    labels += "task_attempt_id=\"" + hex(2) + "_" + task + "_" + subtask + "_0\",";
    labels += "host=\"flink_taskmanager_" + std::to_string(place.target) + "\",";
  }
  if (family.of_operator) {
    if (bytes > 300) labels += "operator_id=\"" + hex(3000 + place.task) + "\",";
    labels += "operator_name=\"op" + std::to_string(place.task) + "\",";
  }
  more = "task_attempt_num=\"0\",tm_id=\"10_0_0_" + std::to_string(place.target) +
         ":6122_62cb09\",subtask_index=\"" + subtask + "\",";
  const std::string task_name = "task_name=\"Source:_events____Map\",";
  const std::string job_name = "job_name=\"";
  std::size_t used = labels.size() + more.size() + job_name.size() + 2;
  if (used + task_name.size() < bytes) {
    labels += task_name;
    used += task_name.size();
  }
  const std::size_t left = bytes > used ? bytes - used : 1;
  return labels + job_name + std::string(left, 'o') + "\"," + more;
}

std::size_t series_of_family(const BodyShape& shape, std::size_t index, std::size_t families) {
  const auto share = [](std::size_t series, std::size_t of, std::size_t at) {
    return series * (at + 1) / of - series * at / of;
  };
  if (index < shape.kept_families) return share(shape.kept_series, shape.kept_families, index);
  return share(shape.series - shape.kept_series, families - shape.kept_families,
               index - shape.kept_families);
}

double value_of(std::size_t series, std::mt19937_64& random) {
  const std::size_t kind = series * 37 % 100;
  const auto noise = static_cast<double>(random() >> 11U) * 0x1p-53;
  if (kind < 40) return 0;
  if (kind < 65) return std::floor(1e10 * noise);
  if (kind < 80) return 1000 * noise;
  if (kind < 85) return -0x1p63;
  return std::floor(100 * noise);
}

}  // namespace

std::string java_double(double value) {
  std::array<char, 64> digits{};
  const double size = std::abs(value);
  const bool plain = value == 0 || (size >= 1e-3 && size < 1e7);
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(digits.data(), end.ptr);
  const std::size_t exponent = text.find('e');
  std::string head = text.substr(0, exponent);
  if (head.find('.') == std::string::npos) head += ".0";
  if (exponent == std::string::npos) return head;
  return head + "E" + std::to_string(std::stoi(text.substr(exponent + 1)));
}

std::string job_id() { return hex(1); }

std::string vertex_id(std::size_t task) { return hex(1000 + task); }

std::size_t subtasks_per_target(const BodyShape& shape) {
  const std::size_t most =
      std::max(shape.kept_series / shape.kept_families, shape.series / kFamilies + 1);
  return (most + kTasks - 1) / kTasks;
}

std::string family_name(Metric metric) { return family_of(info(metric), kColumnFamily).name; }

std::vector<Metric> kept_metrics(const BodyShape& shape) {
  if (!shape.kept.empty()) return shape.kept;
  std::vector<Metric> kept;
  for (const MetricInfo& about : metric_catalogue()) {
    if (kept.size() == shape.kept_families) break;
    if (about.level == Level::subtask && !about.reporter_name.empty()) kept.push_back(about.metric);
  }
  return kept;
}

std::string flink_body(const BodyShape& shape, std::size_t target) {
  const std::vector<Family> all = families(shape);
  std::mt19937_64 random(target);
  std::string body;
  body.reserve(shape.series * (shape.line_bytes + 64));
  std::size_t written = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t count = series_of_family(shape, i, all.size());
    const std::string& name = all[i].name;
    body += "# HELP " + name + " " + name.substr(27) + " (scope: taskmanager_job_task)\n";
    body += "# TYPE " + name + " gauge\n";
    const std::size_t overhead =
        name.size() + 16 + (2 * name.size() + 60) / std::max<std::size_t>(count, 1);
    for (std::size_t s = 0; s < count; ++s, ++written) {
      const Place place{target, s % kTasks, target * subtasks_per_target(shape) + s / kTasks};
      body += name + "{";
      body +=
          shape.line_bytes < kShortLineBytes
              ? short_labels(place)
              : long_labels(place, all[i], shape.line_bytes - std::min(overhead, shape.line_bytes));
      body += "} " + java_double(value_of(written, random)) + "\n";
    }
  }
  return body;
}

}  // namespace doctor::bench
