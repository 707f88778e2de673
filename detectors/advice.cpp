#include "detectors/advice.hpp"

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace doctor {

namespace {

struct Quantity {
  double number{};
  std::string unit;  // lower case
};

// "<number> <unit>", both in one word or with spaces between.
std::optional<Quantity> parse_quantity(std::string_view text) {
  Quantity quantity;
  std::string digits;
  std::size_t i = 0;
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  while (i < text.size() && is_space(text[i])) ++i;
  while (i < text.size() && (is_digit(text[i]) || text[i] == '.')) digits.push_back(text[i++]);
  if (digits.empty() || digits.size() > 18) return std::nullopt;
  for (; i < text.size(); ++i) {
    if (is_space(text[i])) continue;
    quantity.unit.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(text[i]))));
  }
  quantity.number = std::strtod(digits.c_str(), nullptr);
  return quantity;
}

template <std::size_t N>
std::optional<double> factor_of(const std::string& unit,
                                const std::pair<std::string_view, double> (&units)[N]) {
  for (const auto& [name, factor] : units) {
    if (unit == name) return factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> parse_memory_bytes(std::string_view text) {
  static constexpr double kKiB = 1024;
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1},
      {"b", 1},
      {"bytes", 1},
      {"k", kKiB},
      {"kb", kKiB},
      {"kibibytes", kKiB},
      {"kib", kKiB},
      {"m", kKiB * kKiB},
      {"mb", kKiB * kKiB},
      {"mib", kKiB * kKiB},
      {"mebibytes", kKiB * kKiB},
      {"g", kKiB * kKiB * kKiB},
      {"gb", kKiB * kKiB * kKiB},
      {"gib", kKiB * kKiB * kKiB},
      {"gibibytes", kKiB * kKiB * kKiB},
      {"t", kKiB * kKiB * kKiB * kKiB},
      {"tb", kKiB * kKiB * kKiB * kKiB},
      {"tib", kKiB * kKiB * kKiB * kKiB},
      {"tebibytes", kKiB * kKiB * kKiB * kKiB}};
  const std::optional<Quantity> quantity = parse_quantity(text);
  if (!quantity) return std::nullopt;
  const std::optional<double> factor = factor_of(quantity->unit, kUnits);
  if (!factor) return std::nullopt;
  return quantity->number * *factor;
}

std::optional<DurationMs> parse_duration_ms(std::string_view text) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1},           {"ms", 1},           {"milli", 1},
      {"millis", 1},     {"millisecond", 1},  {"milliseconds", 1},
      {"s", 1000},       {"sec", 1000},       {"secs", 1000},
      {"second", 1000},  {"seconds", 1000},   {"m", 60'000},
      {"min", 60'000},   {"minute", 60'000},  {"minutes", 60'000},
      {"h", 3'600'000},  {"hour", 3'600'000}, {"hours", 3'600'000},
      {"d", 86'400'000}, {"day", 86'400'000}, {"days", 86'400'000}};
  // ISO-8601 of one component ("PT5M", "PT30S"), as java.time prints round durations.
  if (text.size() > 3 && (text.starts_with("PT") || text.starts_with("pt"))) {
    text.remove_prefix(2);
  }
  const std::optional<Quantity> quantity = parse_quantity(text);
  if (!quantity) return std::nullopt;
  const std::optional<double> factor = factor_of(quantity->unit, kUnits);
  if (!factor || quantity->number * *factor > 9e15) return std::nullopt;
  return static_cast<DurationMs>(quantity->number * *factor);
}

std::string memory_value(double bytes) {
  return std::to_string(static_cast<long long>(std::ceil(bytes / (1024.0 * 1024.0)))) + "m";
}

std::optional<std::string> first_option(const ClusterFacts* cluster,
                                        std::initializer_list<std::string_view> keys) {
  if (cluster == nullptr) return std::nullopt;
  for (const std::string_view key : keys) {
    if (auto value = cluster->option(std::string(key))) return value;
  }
  return std::nullopt;
}

std::vector<std::string> reporter_lines() {
  return {
      "metrics.reporter.prom.factory.class: "
      "org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
      "metrics.reporter.prom.port: 9250-9260"};
}

std::vector<std::string> rocksdb_metric_lines() {
  std::vector<std::string> lines;
  for (const std::string_view property :
       {"block-cache-capacity", "block-cache-usage", "block-cache-pinned-usage",
        "cur-size-all-mem-tables", "estimate-table-readers-mem"}) {
    lines.push_back("state.backend.rocksdb.metrics." + std::string(property) + ": true");
  }
  return lines;
}

namespace {

constexpr std::string_view kReporterPrefix = "metrics.reporter.";

// The ports of a Prometheus reporter in this configuration, whatever its name there.
std::optional<std::string> prometheus_reporter_ports(const ClusterFacts& cluster) {
  for (const auto& [key, value] : cluster.configuration) {
    // ".class" until 1.15.
    const bool names_class = key.starts_with(kReporterPrefix) && key.ends_with(".class");
    if (!names_class || value.find("PrometheusReporter") == std::string::npos) continue;
    const std::size_t name_end = key.find('.', kReporterPrefix.size());
    return cluster.option(key.substr(0, name_end) + ".port").value_or("9249");
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> lines_not_set(const ClusterFacts* cluster,
                                       std::vector<std::string> lines) {
  if (cluster == nullptr || lines.empty()) return lines;
  const auto ports = prometheus_reporter_ports(*cluster);
  bool reporter_wanted = false;
  std::erase_if(lines, [&](const std::string& line) {
    if (ports && line.starts_with(kReporterPrefix)) return reporter_wanted = true;
    const std::size_t colon = line.find(": ");
    return colon != std::string::npos &&
           cluster->option(line.substr(0, colon)) == line.substr(colon + 2);
  });
  if (reporter_wanted) lines.push_back("--reporter HOST:" + *ports);
  return lines;
}

std::string_view state_backend_option(const ClusterFacts* cluster) {
  return is_at_least(cluster, 1, 17) ? "state.backend.type" : "state.backend";
}

std::string duration_value(DurationMs duration_ms) {
  return std::to_string(duration_ms / kSecondMs) + " s";
}

std::string_view unaligned_option(const ClusterFacts* cluster) {
  return is_at_least(cluster, 1, 17) ? "execution.checkpointing.unaligned.enabled"
                                     : "execution.checkpointing.unaligned";
}

std::string_view incremental_option(const ClusterFacts* cluster) {
  return is_at_least(cluster, 1, 20) ? "execution.checkpointing.incremental"
                                     : "state.backend.incremental";
}

bool is_incremental(const ClusterFacts* cluster) {
  return first_option(cluster, {"execution.checkpointing.incremental",
                                "state.backend.incremental"}) == "true";
}

bool is_at_least(const ClusterFacts* cluster, int major, int minor) {
  if (cluster == nullptr || !cluster->version) return true;  // unknown: the current spelling
  return std::pair(cluster->version->major, cluster->version->minor) >= std::pair(major, minor);
}

}  // namespace doctor
