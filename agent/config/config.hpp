// The configuration: what a file, or flags alone, ask for. Reading a text never touches disk;
// all problems are reported at once, each with its place.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backfill/settings.hpp"
#include "agent/config/shard.hpp"
#include "agent/discovery/api_server.hpp"
#include "agent/discovery/targets.hpp"
#include "agent/discovery/yarn.hpp"
#include "agent/history/settings.hpp"
#include "agent/net/access.hpp"
#include "agent/recording/settings.hpp"
#include "collectors/http.hpp"
#include "model/limits.hpp"
#include "model/metric.hpp"
#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor {

struct ClusterConfig {
  std::string name;
  std::string namespace_;
  std::vector<Endpoint> flink;     // JobManagers of one cluster, tried in turn
  std::optional<YarnConfig> yarn;  // where to ask for the JobManager instead
  std::vector<TargetSpec> reporters;
  std::vector<TargetSpec> probes;
  std::vector<TargetSpec> containers;  // kubelets or cAdvisor; needs `kubernetes`
  std::vector<std::string> logs;       // globs of log files on this host; none: no log is read
  std::vector<std::string> expected_jobs;
  std::optional<KubernetesConfig> kubernetes;  // whose pods to watch, beside those of `reporters`
  std::map<std::string, std::string> labels;
  std::optional<BackfillSettings> backfill;  // the store that knows its past
  // Of all `flink`, `reporters` and `containers`: what connect_access() puts into their endpoints.
  std::shared_ptr<const HttpAccess> access;
  std::shared_ptr<const HttpAccess> reporter_access;
  std::shared_ptr<const HttpAccess> container_access;
};

struct Config {
  std::string listen_host{"127.0.0.1"};
  std::uint16_t listen_port{9669};
  std::string data_dir;  // empty: nothing is kept on disk
  HistorySettings history;
  std::vector<Endpoint> alertmanagers;
  std::vector<ClusterConfig> clusters;
  DurationMs poll_interval_ms{5 * kSecondMs};  // of the jobs' overview; details by budget
  DurationMs scrape_interval_ms{15 * kSecondMs};
  std::map<std::string, std::map<std::string, double>> detector_params;
  std::vector<std::string> disabled_detectors;
  std::vector<UserMetric> user_metrics;  // to be added to the catalogue before anything reads it
  std::vector<Metric> exported;  // canonical metrics for /metrics beyond what detectors read
  Limits limits;
  std::optional<RecordSettings> record;
  std::optional<BackfillSettings> backfill;  // of clusters that are given by URL
  std::optional<Shard> shard;                // of `clusters` those of others are taken out
  std::size_t clusters_elsewhere{0};         // these
  bool serves{true};                         // false: nothing listens
  DurationMs stop_after_ms{0};               // 0: runs until it is stopped
};

/// YAML text → configuration. ErrorCode::invalid_argument whose message lists every problem, one a
/// line ("clusters[0].flink: …").
Result<Config> parse_config(const std::string& yaml);

/// "[host]:port" of --listen.
Status parse_listen(const std::string& text, Config& config);
/// A cluster given by URL alone; its name is the URL's host and port.
Result<ClusterConfig> cluster_from_url(const std::string& url);
/// "10s", "2m", "500ms", "36h", "7d".
Result<DurationMs> parse_duration(std::string_view text);
/// "64MiB", "2GiB", "500kB", "1048576".
Result<std::uint64_t> parse_bytes(std::string_view text);

/// Whether any of them is reached through TLS.
bool any_tls(const std::vector<Endpoint>& endpoints);
bool any_tls(const std::vector<TargetSpec>& specs);
/// Gives the endpoints of a cluster its access. To be called when either has changed.
void connect_access(ClusterConfig& cluster);
/// What is allowed and should be known all the same: peers that are not verified, credentials sent
/// in clear text. One line each.
std::vector<std::string> security_warnings(const Config& config);

/// `exported`, the user's own, and where there are probes all that they tell.
std::vector<Metric> exported_metrics(const Config& config);
/// A canonical metric by its name.
Result<Metric> parse_metric(const std::string& name);

/// What must hold before the agent starts: clusters with unique names, at least one cluster, known
/// detectors and parameters.
Status validate(const Config& config);

}  // namespace doctor
