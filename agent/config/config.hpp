// The configuration: what a file, or flags alone, ask for. Reading a text never touches disk;
// all problems are reported at once, each with its place.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/http.hpp"
#include "model/limits.hpp"
#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor {

/// "host:port" or "host:from-to", kept as written for messages.
struct ReporterRange {
  std::string text;
  std::vector<Endpoint> endpoints;
};

struct ClusterConfig {
  std::string name;
  std::string namespace_;
  std::vector<Endpoint> flink;  // JobManagers of one cluster, tried in turn
  std::vector<ReporterRange> reporters;
  std::vector<std::string> logs;  // globs of log files on this host; none: no log is read
  std::vector<std::string> expected_jobs;
  std::map<std::string, std::string> labels;
};

struct Config {
  std::string listen_host{"127.0.0.1"};
  std::uint16_t listen_port{9669};
  std::string data_dir;  // empty: nothing is kept on disk
  std::vector<Endpoint> alertmanagers;
  std::vector<ClusterConfig> clusters;
  DurationMs poll_interval_ms{5 * kSecondMs};  // of the jobs' overview; details by budget
  DurationMs scrape_interval_ms{15 * kSecondMs};
  std::map<std::string, std::map<std::string, double>> detector_params;
  std::vector<std::string> disabled_detectors;
  Limits limits;
};

/// YAML text → configuration. ErrorCode::invalid_argument whose message lists every problem, one a
/// line ("clusters[0].flink: …").
Result<Config> parse_config(const std::string& yaml);

/// "[host]:port" of --listen.
Status parse_listen(const std::string& text, Config& config);
Result<ReporterRange> parse_reporter(const std::string& text);
/// A cluster given by URL alone; its name is the URL's host and port.
Result<ClusterConfig> cluster_from_url(const std::string& url);
/// "10s", "2m", "500ms".
Result<DurationMs> parse_duration(std::string_view text);

/// What must hold before the agent starts: clusters with unique names, at least one cluster, known
/// detectors and parameters.
Status validate(const Config& config);

}  // namespace doctor
