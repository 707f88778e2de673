#include "agent/config/config.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>

#include "detectors/registry.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

Error invalid(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

/// The first cluster whose past would be taken for this one's too.
const ClusterConfig* history_twin(const Config& config, const ClusterConfig& cluster) {
  if (!cluster.backfill) return nullptr;
  const auto twin =
      std::find_if(config.clusters.begin(), config.clusters.end(), [&](const ClusterConfig& other) {
        return &other == &cluster ||
               (other.backfill && other.backfill->match == cluster.backfill->match &&
                other.backfill->store.url() == cluster.backfill->store.url());
      });
  return &*twin == &cluster ? nullptr : &*twin;
}

}  // namespace

Result<DurationMs> parse_duration(std::string_view text) {
  double number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const DurationMs unit_ms = unit == "ms"  ? 1
                             : unit == "s" ? kSecondMs
                             : unit == "m" ? kMinuteMs
                             : unit == "h" ? kHourMs
                             : unit == "d" ? kDayMs
                                           : 0;
  const auto scale = static_cast<double>(unit_ms);
  if (fault != std::errc{} || scale == 0 || number <= 0 || number * scale > 1e12) {
    return invalid("\"" + printable(text, 40) + "\" is not a duration such as 10s, 2m or 500ms");
  }
  return static_cast<DurationMs>(number * scale);
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  double number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const double scale = unit.empty() || unit == "B" ? 1
                       : unit == "kB"              ? 1e3
                       : unit == "MB"              ? 1e6
                       : unit == "GB"              ? 1e9
                       : unit == "KiB"             ? 0x1p10
                       : unit == "MiB"             ? 0x1p20
                       : unit == "GiB"             ? 0x1p30
                                                   : 0;
  if (fault != std::errc{} || scale == 0 || number <= 0 || number * scale > 1e15) {
    return invalid("\"" + printable(text, 40) + "\" is not a size such as 64MiB or 2GB");
  }
  return static_cast<std::uint64_t>(number * scale);
}

Status parse_listen(const std::string& text, Config& config) {
  const std::size_t colon = text.rfind(':');
  unsigned port = 0;
  const char* const begin = text.data() + (colon == std::string::npos ? 0 : colon + 1);
  const auto [end, fault] = std::from_chars(begin, text.data() + text.size(), port);
  if (colon == std::string::npos || fault != std::errc{} || end != text.data() + text.size() ||
      port > 65535) {
    return invalid("--listen \"" + printable(text, 80) + "\" is not HOST:PORT");
  }
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  config.listen_host = host.empty() ? "0.0.0.0" : host;
  config.listen_port = static_cast<std::uint16_t>(port);
  return Done{};
}

Result<ClusterConfig> cluster_from_url(const std::string& url) {
  Result<Endpoint> endpoint = parse_url(url, 8081);
  if (!endpoint) return endpoint.error();
  ClusterConfig cluster;
  cluster.name = endpoint->address() + endpoint->path_prefix;
  cluster.flink.push_back(std::move(*endpoint));
  return cluster;
}

bool any_tls(const std::vector<Endpoint>& endpoints) {
  return std::any_of(endpoints.begin(), endpoints.end(), [](const Endpoint& e) { return e.tls; });
}

bool any_tls(const std::vector<TargetSpec>& specs) {
  return std::any_of(specs.begin(), specs.end(),
                     [](const TargetSpec& spec) { return any_tls(spec); });
}

void connect_access(ClusterConfig& cluster) {
  for (Endpoint& endpoint : cluster.flink) endpoint.access = cluster.access;
  const auto connect = [](std::vector<TargetSpec>& specs,
                          const std::shared_ptr<const HttpAccess>& access) {
    for (TargetSpec& spec : specs) {
      spec.access = access;
      for (Endpoint& endpoint : spec.endpoints) endpoint.access = access;
    }
  };
  connect(cluster.reporters, cluster.reporter_access);
  connect(cluster.containers, cluster.container_access);
}

std::vector<std::string> security_warnings(const Config& config) {
  std::vector<std::string> warnings;
  const auto look_at = [&](const Endpoint& endpoint, const std::string& shown) {
    const HttpAccess* access = endpoint.access.get();
    if (access == nullptr) return;
    if (endpoint.tls && access->tls.insecure_skip_verify) {
      warnings.push_back("INSECURE: " + tls_setting(access, "insecure_skip_verify") + ": " + shown +
                         " is not verified; whoever answers there is believed" +
                         (access->has_auth() ? ", and is given the credentials" : ""));
    }
    if (!endpoint.tls && access->has_auth()) {
      warnings.push_back("credentials for " + shown +
                         " go over the network in clear text; use "
                         "https:// unless something in between encrypts");
    }
  };
  for (const ClusterConfig& cluster : config.clusters) {
    for (const Endpoint& endpoint : cluster.flink) look_at(endpoint, endpoint.url());
    for (const auto* specs : {&cluster.reporters, &cluster.containers}) {
      for (const TargetSpec& spec : *specs) look_at(spec.example(), printable(spec.text));
    }
    if (cluster.backfill) look_at(cluster.backfill->store, cluster.backfill->store.url());
    if (cluster.yarn) {
      for (const Endpoint& manager : cluster.yarn->resource_managers) {
        look_at(manager, manager.url());
      }
    }
    if (cluster.kubernetes && cluster.kubernetes->api_server) {
      look_at(*cluster.kubernetes->api_server, cluster.kubernetes->api_server->url());
    }
  }
  for (const Endpoint& member : config.alertmanagers) look_at(member, member.url());
  return warnings;
}

std::vector<Metric> exported_metrics(const Config& config) {
  std::vector<Metric> exported = config.exported;
  const bool probes = std::any_of(
      config.clusters.begin(), config.clusters.end(),
      [](const ClusterConfig& c) { return !c.probes.empty() || !c.containers.empty(); });
  for (const MetricInfo& about : metric_catalogue()) {
    const bool of_probes = probes && !about.probe_family.empty();
    if (of_probes || is_user_metric(about.metric)) exported.push_back(about.metric);
  }
  return exported;
}

Result<Metric> parse_metric(const std::string& name) {
  for (const MetricInfo& about : metric_catalogue()) {
    if (about.name == name) return about.metric;
  }
  return Error{
      ErrorCode::invalid_argument,
      printable(name, 60) + " is no canonical metric; `flink-doctor metrics URL` lists them"};
}

template <class Complain>
void containers_problems(const ClusterConfig& cluster, const Complain& complain) {
  if (cluster.containers.empty()) return;
  if (!cluster.kubernetes) {
    complain("cluster \"" + cluster.name +
             "\" has containers: but no kubernetes: block, which tells whose they are");
  }
  if (!cluster.probes.empty()) {
    complain("cluster \"" + cluster.name +
             "\" has probes: and containers:, which tell the same; probes see more");
  }
}

Status validate(const Config& config) {
  std::string problems;
  const auto complain = [&](const std::string& problem) {
    problems += (problems.empty() ? "" : "\n") + problem;
  };
  if (config.clusters.empty()) {
    complain("no cluster is configured: give --flink URL, or clusters: in the configuration file");
  }
  std::set<std::string> names;
  for (const ClusterConfig& cluster : config.clusters) {
    if (cluster.flink.empty() == !cluster.yarn) {
      complain("cluster \"" + cluster.name + "\" needs either flink: URLs or a yarn: block");
    }
    if (!names.insert(cluster.name).second) {
      complain("two clusters are called \"" + cluster.name + "\"");
    }
    containers_problems(cluster, complain);
    if (const ClusterConfig* twin = history_twin(config, cluster)) {
      complain("clusters \"" + twin->name + "\" and \"" + cluster.name +
               "\" would both be given the same series of " + cluster.backfill->store.url() +
               ": give each its own backfill.match");
    }
  }
  const std::size_t globs = std::accumulate(
      config.clusters.begin(), config.clusters.end(), std::size_t{0},
      [](std::size_t sum, const ClusterConfig& cluster) { return sum + cluster.logs.size(); });
  if (globs > config.limits.log_globs_max) {
    complain("logs: " + std::to_string(globs) + " globs are more than the " +
             std::to_string(config.limits.log_globs_max) + " that are followed");
  }
  if (config.record) {
    const RecordSettings& record = *config.record;
    if (record.file.empty()) complain("record.file: which file?");
    if (record.bytes_max < RecordSettings::kBytesMin) {
      complain("record.bytes_max: must be at least 1MiB");
    }
    if (record.files_max < 1 || record.files_max > RecordSettings::kFilesLimit) {
      complain("record.files_max: must be between 1 and " +
               std::to_string(RecordSettings::kFilesLimit));
    }
  }
  if (config.history.days < 1 || config.history.days > HistorySettings::kDaysLimit) {
    complain("history.days: must be between 1 and " + std::to_string(HistorySettings::kDaysLimit));
  }
  if (config.history.bytes_max < HistorySettings::kBytesMin) {
    complain("history.bytes_max: must be at least 16MiB");
  }
  for (const std::string& name : config.disabled_detectors) {
    if (find_detector(name) == nullptr) complain("detectors." + name + ": no such detector");
  }
  for (const auto& [name, params] : config.detector_params) {
    const Detector* detector = find_detector(name);
    if (detector == nullptr) {
      complain("detectors." + name + ": no such detector; `flink-doctor detectors` lists them");
      continue;
    }
    for (const auto& entry : params) {
      const std::string& param = entry.first;
      const bool known = std::any_of(detector->params.begin(), detector->params.end(),
                                     [&](const Param& p) { return p.name == param; });
      if (!known) complain("detectors." + name + "." + param + ": no such parameter");
    }
  }
  if (!problems.empty()) return invalid(problems);
  return Done{};
}

}  // namespace doctor
