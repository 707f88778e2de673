// The blocks of the configuration file.
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "agent/config/backfill_reader.hpp"
#include "agent/config/config.hpp"
#include "agent/logs/glob.hpp"
#include "collectors/kubernetes/targets.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

class ConfigReader : private BackfillReader {
 public:
  Config read(const YAML::Node& root);
  using YamlReader::problems;

 private:
  void read_alertmanager(const YAML::Node& node, const std::string& path, Config& config);
  void read_kubernetes(const YAML::Node& node, const std::string& path, ClusterConfig& cluster);
  void read_user_metric(const YAML::Node& node, const std::string& path, Config& config);
  void read_yarn(const YAML::Node& node, const std::string& path, ClusterConfig& cluster);
  void read_cluster(const YAML::Node& node, const std::string& path, Config& config);
  Field bytes_into(std::uint64_t& into);
  Field whole_into(int& into);
  Field series_into(std::size_t& into);
  void read_record(const YAML::Node& node, const std::string& path, Config& config);
  void read_history(const YAML::Node& node, const std::string& path, Config& config);
  void read_detector(const std::string& name, const YAML::Node& node, const std::string& path,
                     Config& config);

  std::optional<BackfillBlock> backfill_;                   // of all clusters
  std::map<std::size_t, BackfillBlock> cluster_backfills_;  // by index, what one says itself
};

constexpr std::array<std::pair<std::string_view, Level>, 4> kUserLevels{
    {{"process", Level::process},
     {"job", Level::job},
     {"task", Level::subtask},
     {"operator", Level::operator_}}};
constexpr std::array<std::pair<std::string_view, Kind>, 2> kKinds{
    {{"gauge", Kind::gauge}, {"counter", Kind::counter}}};

const std::vector<std::pair<std::string_view, Unit>>& units() {
  static const std::vector<std::pair<std::string_view, Unit>> all = [] {
    std::vector<std::pair<std::string_view, Unit>> names;
    for (int i = 0; i <= static_cast<int>(kUnitLast); ++i) {
      names.emplace_back(to_string(static_cast<Unit>(i)), static_cast<Unit>(i));
    }
    return names;
  }();
  return all;
}

constexpr int kSeriesMin = 1000;  // a TaskManager alone has some 350 that detectors read
constexpr int kSeriesLimit = 100'000'000;

Result<Endpoint> flink_url(const std::string& text) { return parse_url(text, 8081); }
Result<Endpoint> yarn_url(const std::string& text) { return parse_url(text, 8088); }

Config ConfigReader::read(const YAML::Node& root) {
  Config config;
  fields(root, "",
         {{"listen",
           [&](const YAML::Node& node, const std::string& path) {
             if (const Status ok = parse_listen(text(node, path), config); !ok) {
               complain(path, ok.error().message);
             }
           }},
          {"data_dir", [&](const YAML::Node& node,
                           const std::string& path) { config.data_dir = text(node, path); }},
          {"alertmanagers",
           [&](const YAML::Node& node, const std::string& path) {
             if (!node.IsSequence()) return read_alertmanager(node, path, config);
             for (std::size_t i = 0; i < node.size(); ++i) {
               read_alertmanager(node[i], path + "[" + std::to_string(i) + "]", config);
             }
           }},
          {"history", [&](const YAML::Node& node,
                          const std::string& path) { read_history(node, path, config); }},
          {"record", [&](const YAML::Node& node,
                         const std::string& path) { read_record(node, path, config); }},
          {"series_max", series_into(config.limits.series_max)},
          {"export",
           [&](const YAML::Node& node, const std::string& path) {
             config.exported = list_of<Metric>(node, path, parse_metric);
           }},
          {"user_metrics",
           [&](const YAML::Node& node, const std::string& path) {
             if (!node.IsSequence()) return complain(path, "must be a list of metrics");
             for (std::size_t i = 0; i < node.size(); ++i) {
               read_user_metric(node[i], path + "[" + std::to_string(i) + "]", config);
             }
           }},
          {"poll_interval",
           [&](const YAML::Node& node, const std::string& path) {
             duration(node, path, config.poll_interval_ms);
           }},
          {"scrape_interval",
           [&](const YAML::Node& node, const std::string& path) {
             duration(node, path, config.scrape_interval_ms);
           }},
          {"enable_compression",
           [&](const YAML::Node& node, const std::string& path) {
             config.limits.scrapes_gzip = yes_or_no(node, path);
           }},
          {"clusters",
           [&](const YAML::Node& node, const std::string& path) {
             if (!node.IsSequence()) return complain(path, "must be a list of clusters");
             for (std::size_t i = 0; i < node.size(); ++i) {
               read_cluster(node[i], path + "[" + std::to_string(i) + "]", config);
             }
           }},
          {"detectors", [&](const YAML::Node& node, const std::string& path) {
             if (!node.IsMap()) return complain(path, "must be a map of detector names");
             for (const auto& entry : node) {
               const auto name = entry.first.as<std::string>();
               read_detector(name, entry.second, path + "." + printable(name, 60), config);
             }
           }}});
  // The blocks may stand in any order.
  if (backfill_) config.backfill = settings_of(*backfill_, {});
  for (const auto& [index, block] : cluster_backfills_) {
    config.clusters[index].backfill = settings_of(block, backfill_);
  }
  for (ClusterConfig& cluster : config.clusters) {
    if (!cluster.backfill) cluster.backfill = config.backfill;
  }
  return config;
}

/// A URL, or {url, tls, auth}.
void ConfigReader::read_alertmanager(const YAML::Node& node, const std::string& path,
                                     Config& config) {
  HttpAccess access{path + ".tls", path + ".auth"};
  std::string url;
  if (node.IsScalar()) {
    url = node.as<std::string>();
  } else {
    fields(node, path,
           {{"url", [&](const YAML::Node& n, const std::string& p) { url = text(n, p); }},
            {"tls", [&](const YAML::Node& n, const std::string& p) { read_tls(n, p, access); }},
            {"auth", [&](const YAML::Node& n, const std::string& p) { read_auth(n, p, access); }}});
  }
  Result<Endpoint> member = parse_url(url, 9093);
  if (!member) return complain(path, member.error().message);
  member->access = settle(std::move(access), member->tls);
  config.alertmanagers.push_back(std::move(*member));
}

void ConfigReader::read_kubernetes(const YAML::Node& node, const std::string& path,
                                   ClusterConfig& cluster) {
  KubernetesConfig pods;
  HttpAccess access{path + ".tls", path + ".auth"};
  const auto api_server = [&](const YAML::Node& n, const std::string& p) {
    Result<Endpoint> endpoint = parse_url(text(n, p), kApiServerPort);
    if (!endpoint) return complain(p, endpoint.error().message);
    pods.api_server = std::move(*endpoint);
  };
  const auto set = [&](std::string& into, bool (*fits)(std::string_view), const char* what) {
    return [&into, fits, what, this](const YAML::Node& n, const std::string& p) {
      into = text(n, p);
      if (!fits(into)) complain(p, "\"" + printable(into, 100) + "\" is no " + what);
    };
  };
  fields(node, path,
         {{"namespace", set(pods.namespace_, kubernetes::is_namespace, "namespace")},
          {"selector", set(pods.selector, kubernetes::is_selector, "label selector")},
          {"api_server", api_server},
          {"tls", [&](const YAML::Node& n, const std::string& p) { read_tls(n, p, access); }},
          {"auth", [&](const YAML::Node& n, const std::string& p) { read_auth(n, p, access); }}});
  pods.access = settle(std::move(access), !pods.api_server || pods.api_server->tls);
  if (pods.api_server) pods.api_server->access = pods.access;
  cluster.kubernetes = std::move(pods);
}

void ConfigReader::read_user_metric(const YAML::Node& node, const std::string& path,
                                    Config& config) {
  UserMetric metric;
  fields(node, path,
         {{"name", [&](const YAML::Node& n, const std::string& p) { metric.name = text(n, p); }},
          {"metric", [&](const YAML::Node& n, const std::string& p) { metric.flink = text(n, p); }},
          {"level", [&](const YAML::Node& n,
                        const std::string& p) { one_of(n, p, kUserLevels, metric.level); }},
          {"unit",
           [&](const YAML::Node& n, const std::string& p) { one_of(n, p, units(), metric.unit); }},
          {"kind",
           [&](const YAML::Node& n, const std::string& p) { one_of(n, p, kKinds, metric.kind); }},
          {"quantile",
           [&](const YAML::Node& n, const std::string& p) { metric.quantile = text(n, p); }}});
  config.user_metrics.push_back(std::move(metric));
}

void ConfigReader::read_yarn(const YAML::Node& node, const std::string& path,
                             ClusterConfig& cluster) {
  YarnConfig yarn;
  HttpAccess access{path + ".tls", path + ".auth"};
  fields(node, path,
         {{"resource_managers",
           [&](const YAML::Node& n, const std::string& p) {
             yarn.resource_managers = list_of<Endpoint>(n, p, yarn_url);
           }},
          {"application",
           [&](const YAML::Node& n, const std::string& p) { yarn.application = text(n, p); }},
          {"tls", [&](const YAML::Node& n, const std::string& p) { read_tls(n, p, access); }},
          {"auth", [&](const YAML::Node& n, const std::string& p) { read_auth(n, p, access); }}});
  if (yarn.resource_managers.empty()) complain(path, "needs resource_managers");
  if (yarn.application.empty()) complain(path, "needs application, its name or its id");
  yarn.access = settle(std::move(access), any_tls(yarn.resource_managers));
  for (Endpoint& manager : yarn.resource_managers) manager.access = yarn.access;
  cluster.yarn = std::move(yarn);
}

void ConfigReader::read_cluster(const YAML::Node& node, const std::string& path, Config& config) {
  ClusterConfig cluster;
  const auto set = [&](std::string& into) {
    return [&](const YAML::Node& n, const std::string& p) { into = text(n, p); };
  };
  HttpAccess access{path + ".tls", path + ".auth"};
  HttpAccess reporter_access{path + ".reporter_tls", path + ".reporter_auth"};
  HttpAccess container_access{path + ".container_tls", path + ".container_auth"};
  const auto tls = [this](HttpAccess& into) {
    return [&](const YAML::Node& n, const std::string& p) { read_tls(n, p, into); };
  };
  const auto auth = [this](HttpAccess& into) {
    return [&](const YAML::Node& n, const std::string& p) { read_auth(n, p, into); };
  };
  fields(
      node, path,
      {{"name", set(cluster.name)},
       {"namespace", set(cluster.namespace_)},
       {"flink", [&](const YAML::Node& n,
                     const std::string& p) { cluster.flink = list_of<Endpoint>(n, p, flink_url); }},
       {"reporters",
        [&](const YAML::Node& n, const std::string& p) {
          cluster.reporters = list_of<TargetSpec>(n, p, parse_target_spec);
        }},
       {"yarn", [&](const YAML::Node& n, const std::string& p) { read_yarn(n, p, cluster); }},
       {"kubernetes",
        [&](const YAML::Node& n, const std::string& p) { read_kubernetes(n, p, cluster); }},
       {"tls", tls(access)},
       {"auth", auth(access)},
       {"reporter_tls", tls(reporter_access)},
       {"reporter_auth", auth(reporter_access)},
       {"probes",
        [&](const YAML::Node& n, const std::string& p) {
          cluster.probes = list_of<TargetSpec>(n, p, parse_probe_spec);
        }},
       {"containers",
        [&](const YAML::Node& n, const std::string& p) {
          cluster.containers = list_of<TargetSpec>(n, p, parse_container_spec);
        }},
       {"container_tls", tls(container_access)},
       {"container_auth", auth(container_access)},
       {"logs",
        [&](const YAML::Node& n, const std::string& p) {
          cluster.logs = list_of<std::string>(n, p, parse_log_glob);
        }},
       {"backfill",
        [&](const YAML::Node& n, const std::string& p) {
          cluster_backfills_[config.clusters.size()] = read_backfill(n, p);
        }},
       {"expected_jobs",
        [&](const YAML::Node& n, const std::string& p) { cluster.expected_jobs = texts(n, p); }},
       {"labels",
        [&](const YAML::Node& n, const std::string& p) { cluster.labels = map_of_texts(n, p); }}});
  cluster.access = settle(std::move(access), any_tls(cluster.flink));
  cluster.reporter_access = settle(std::move(reporter_access), any_tls(cluster.reporters));
  cluster.container_access = settle(std::move(container_access), any_tls(cluster.containers));
  connect_access(cluster);
  if (cluster.name.empty() && !cluster.flink.empty()) cluster.name = cluster.flink[0].address();
  if (cluster.name.empty() && cluster.yarn) cluster.name = cluster.yarn->application;
  if (cluster.name.empty()) complain(path, "needs a name");
  config.clusters.push_back(std::move(cluster));
}

YamlReader::Field ConfigReader::bytes_into(std::uint64_t& into) {
  return [&](const YAML::Node& node, const std::string& path) {
    const Result<std::uint64_t> bytes = parse_bytes(text(node, path));
    if (!bytes) return complain(path, bytes.error().message);
    into = *bytes;
  };
}

YamlReader::Field ConfigReader::whole_into(int& into) {
  return [&](const YAML::Node& node, const std::string& path) {
    if (!node.IsScalar() || !YAML::convert<int>::decode(node, into)) {
      complain(path, "must be a whole number");
    }
  };
}

YamlReader::Field ConfigReader::series_into(std::size_t& into) {
  return [&](const YAML::Node& node, const std::string& path) {
    int series = 0;
    const bool whole = node.IsScalar() && YAML::convert<int>::decode(node, series);
    if (!whole || series < kSeriesMin || series > kSeriesLimit) {
      return complain(path, "must be a whole number between " + std::to_string(kSeriesMin) +
                                " and " + std::to_string(kSeriesLimit));
    }
    into = static_cast<std::size_t>(series);
  };
}

void ConfigReader::read_history(const YAML::Node& node, const std::string& path, Config& config) {
  fields(node, path,
         {{"days", whole_into(config.history.days)},
          {"bytes_max", bytes_into(config.history.bytes_max)},
          {"backfill",
           [&](const YAML::Node& n, const std::string& p) { backfill_ = read_backfill(n, p); }}});
}

void ConfigReader::read_record(const YAML::Node& node, const std::string& path, Config& config) {
  RecordSettings& record = config.record.emplace();
  fields(node, path,
         {{"file", [&](const YAML::Node& n, const std::string& p) { record.file = text(n, p); }},
          {"bytes_max", bytes_into(record.bytes_max)},
          {"files_max", whole_into(record.files_max)},
          {"redact",
           [&](const YAML::Node& n, const std::string& p) { record.redact = yes_or_no(n, p); }}});
}

void ConfigReader::read_detector(const std::string& name, const YAML::Node& node,
                                 const std::string& path, Config& config) {
  if (!node.IsMap()) return complain(path, "must be a map of parameters");
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    const std::string place = path + "." + printable(key, 60);
    if (key == "enabled") {
      if (!yes_or_no(entry.second, place)) config.disabled_detectors.push_back(name);
      continue;
    }
    double value = 0;
    if (!entry.second.IsScalar() || !YAML::convert<double>::decode(entry.second, value)) {
      complain(place, "must be a number");
    } else {
      config.detector_params[name][key] = value;
    }
  }
}

}  // namespace

Result<Config> parse_config(const std::string& yaml) {
  try {
    const YAML::Node root = YAML::Load(yaml);
    ConfigReader reader;
    Config config = root.IsNull() ? Config{} : reader.read(root);
    if (!reader.problems.empty()) return Error{ErrorCode::invalid_argument, reader.problems};
    return config;
  } catch (const YAML::Exception& fault) {
    // yaml-cpp reports syntax errors by throwing; here they are an expected failure.
    return Error{ErrorCode::invalid_argument, printable(fault.what())};
  }
}

}  // namespace doctor
