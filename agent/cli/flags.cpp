#include "agent/cli/flags.hpp"

#include <algorithm>
#include <boost/asio/ip/host_name.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>

#include "agent/logs/glob.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

Result<std::string> read_file(const std::string& path) {
  constexpr std::streamsize kConfigBytesMax = 1 << 20;
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{ErrorCode::io, "cannot read " + path + ": " + std::strerror(errno)};
  std::string text(static_cast<std::size_t>(kConfigBytesMax) + 1, '\0');
  file.read(text.data(), kConfigBytesMax + 1);
  if (file.gcount() > kConfigBytesMax) {
    return Error{ErrorCode::too_large, path + " is larger than 1 MiB: not a configuration"};
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

/// What is given with `flag`, a --reporter or --logs, belongs to the --flink before it; where all
/// --flink come first and there are as many of the flag, they pair up in order. One cluster takes
/// them all.
Result<std::size_t> cluster_of(const std::string& flag, const std::vector<std::string>& values,
                               const std::vector<std::size_t>& places, std::size_t index,
                               const Flags& flags, const Config& config) {
  if (config.clusters.size() == 1) return std::size_t{0};
  const std::size_t from_file = config.clusters.size() - flags.flink.size();
  const bool all_urls_first = std::all_of(places.begin(), places.end(),
                                          [&](std::size_t p) { return p == flags.flink.size(); });
  if (all_urls_first && values.size() == flags.flink.size()) return from_file + index;
  const bool clear =
      index < places.size() && places[index] > 0 && (!all_urls_first || flags.flink.size() == 1);
  if (clear) return from_file + places[index] - 1;
  return Error{ErrorCode::invalid_argument,
               flag + " " + printable(values[index], 60) + ": of which cluster? Give each " + flag +
                   " right after its --flink, or name those of each cluster in the configuration "
                   "file"};
}

Status add_reporters(const Flags& flags, Config& config) {
  for (std::size_t i = 0; i < flags.reporters.size(); ++i) {
    Result<TargetSpec> spec = parse_target_spec(flags.reporters[i]);
    if (!spec) return spec.error();
    if (config.clusters.empty()) break;  // validate() says that there is no cluster
    const Result<std::size_t> cluster =
        cluster_of("--reporter", flags.reporters, flags.reporter_places, i, flags, config);
    if (!cluster) return cluster.error();
    config.clusters[*cluster].reporters.push_back(std::move(*spec));
    connect_access(config.clusters[*cluster]);
  }
  return Done{};
}

Status add_logs(const Flags& flags, Config& config) {
  for (std::size_t i = 0; i < flags.logs.size(); ++i) {
    Result<std::string> glob = parse_log_glob(flags.logs[i]);
    if (!glob) return Error{glob.error().code, "--logs " + glob.error().message};
    if (config.clusters.empty()) break;  // validate() says that there is no cluster
    const Result<std::size_t> cluster =
        cluster_of("--logs", flags.logs, flags.log_places, i, flags, config);
    if (!cluster) return cluster.error();
    config.clusters[*cluster].logs.push_back(std::move(*glob));
  }
  return Done{};
}

/// Of the file's clusters those that are wanted.
Status keep_named(const std::vector<std::string>& names, Config& config) {
  if (names.empty()) return Done{};
  for (const std::string& name : names) {
    const bool known = std::any_of(config.clusters.begin(), config.clusters.end(),
                                   [&](const ClusterConfig& c) { return c.name == name; });
    if (known) continue;
    std::string all;
    for (const ClusterConfig& cluster : config.clusters) {
      all += (all.empty() ? "" : ", ") + printable(cluster.name, 60);
    }
    return Error{ErrorCode::invalid_argument, "--cluster " + printable(name, 60) +
                                                  ": no such cluster in the file; it has " + all};
  }
  std::erase_if(config.clusters, [&](const ClusterConfig& cluster) {
    return std::find(names.begin(), names.end(), cluster.name) == names.end();
  });
  return Done{};
}

/// Takes out what agents of other shards watch.
Status keep_shard(const std::string& text, Config& config) {
  if (text.empty()) return Done{};
  const Result<Shard> shard = parse_shard(text, boost::asio::ip::host_name());
  if (!shard) return shard.error();
  config.shard = *shard;
  config.clusters_elsewhere = std::erase_if(
      config.clusters, [&](const ClusterConfig& cluster) { return !shard->takes(cluster.name); });
  return Done{};
}

}  // namespace

Result<Config> configuration(const Flags& flags) {
  Config config;
  if (!flags.config_file.empty()) {
    Result<std::string> text = read_file(flags.config_file);
    if (!text) return text.error();
    Result<Config> parsed = parse_config(*text);
    if (!parsed) {
      return Error{parsed.error().code, flags.config_file + ":\n" + parsed.error().message};
    }
    config = std::move(*parsed);
    if (const Status ok = keep_named(flags.clusters, config); !ok) return ok.error();
  }
  for (const std::string& url : flags.flink) {
    Result<ClusterConfig> cluster = cluster_from_url(url);
    if (!cluster) return cluster.error();
    cluster->backfill = config.backfill;
    config.clusters.push_back(std::move(*cluster));
  }
  if (const Status ok = add_reporters(flags, config); !ok) return ok.error();
  const std::size_t from_file = config.clusters.size() - flags.flink.size();
  if (const Status ok = apply(flags.access, config, from_file); !ok) return ok.error();
  for (const std::string& text : flags.probes) {
    const Result<TargetSpec> probe = parse_probe_spec(text);
    if (!probe) return probe.error();
    for (ClusterConfig& cluster : config.clusters) cluster.probes.push_back(*probe);
  }
  if (const Status ok = add_logs(flags, config); !ok) return ok.error();
  for (const std::string& job : flags.expected_jobs) {
    for (ClusterConfig& cluster : config.clusters) cluster.expected_jobs.push_back(job);
  }
  for (const std::string& url : flags.alertmanagers) {
    Result<Endpoint> member = parse_url(url, 9093);
    if (!member) return member.error();
    member->access = std::make_shared<const HttpAccess>(
        HttpAccess{"alertmanagers[].tls", "alertmanagers[].auth"});  // to say what to set
    config.alertmanagers.push_back(std::move(*member));
  }
  if (const Status ok = apply(flags.recording, config); !ok) return ok.error();
  if (!flags.data_dir.empty()) config.data_dir = flags.data_dir;
  if (!flags.listen.empty()) {
    if (const Status ok = parse_listen(flags.listen, config); !ok) return ok.error();
  }
  if (const Status ok = add_user_metrics(config.user_metrics); !ok) return ok.error();
  if (const Status ok = apply(flags.history, config); !ok) return ok.error();
  if (const Status ok = validate(config); !ok) return ok.error();
  if (const Status ok = keep_shard(flags.shard, config); !ok) return ok.error();
  return config;
}

}  // namespace doctor
