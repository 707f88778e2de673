// The YAML side of the configuration; yaml-cpp stays in this file.
#include <yaml-cpp/yaml.h>

#include <functional>

#include "agent/config/config.hpp"
#include "agent/logs/glob.hpp"
#include "model/text.hpp"

namespace doctor {
namespace {

/// Walks a document and collects problems instead of stopping at the first.
class Reader {
 public:
  Config read(const YAML::Node& root);
  std::string problems;

 private:
  using Field = std::function<void(const YAML::Node&, const std::string& path)>;

  void complain(const std::string& path, const std::string& problem) {
    problems += (problems.empty() ? "" : "\n") + path + ": " + problem;
  }
  /// Calls the field's reader for every key; unknown keys are problems, since a typo is silent
  /// harm.
  void fields(const YAML::Node& node, const std::string& path,
              const std::map<std::string, Field>& known);
  std::string text(const YAML::Node& node, const std::string& path);
  std::vector<std::string> texts(const YAML::Node& node, const std::string& path);
  std::map<std::string, std::string> map_of_texts(const YAML::Node& node, const std::string& path);
  template <class T, class Parse>
  std::vector<T> list_of(const YAML::Node& node, const std::string& path, Parse parse);
  void duration(const YAML::Node& node, const std::string& path, DurationMs& into);
  void read_cluster(const YAML::Node& node, const std::string& path, Config& config);
  void read_detector(const std::string& name, const YAML::Node& node, const std::string& path,
                     Config& config);
};

Result<Endpoint> flink_url(const std::string& text) { return parse_url(text, 8081); }
Result<Endpoint> alertmanager_url(const std::string& text) { return parse_url(text, 9093); }

Config Reader::read(const YAML::Node& root) {
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
             config.alertmanagers = list_of<Endpoint>(node, path, alertmanager_url);
           }},
          {"poll_interval",
           [&](const YAML::Node& node, const std::string& path) {
             duration(node, path, config.poll_interval_ms);
           }},
          {"scrape_interval",
           [&](const YAML::Node& node, const std::string& path) {
             duration(node, path, config.scrape_interval_ms);
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
  return config;
}

void Reader::fields(const YAML::Node& node, const std::string& path,
                    const std::map<std::string, Field>& known) {
  if (!node.IsMap()) return complain(path.empty() ? "document" : path, "must be a map");
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    const std::string place = path.empty() ? printable(key, 60) : path + "." + printable(key, 60);
    const auto field = known.find(key);
    if (field == known.end()) {
      std::string choices;
      for (const auto& [name, reader] : known) choices += (choices.empty() ? "" : ", ") + name;
      complain(place, "unknown key; known here: " + choices);
    } else {
      field->second(entry.second, place);
    }
  }
}

std::string Reader::text(const YAML::Node& node, const std::string& path) {
  if (node.IsScalar()) return node.as<std::string>();
  complain(path, "must be a text");
  return {};
}

std::vector<std::string> Reader::texts(const YAML::Node& node, const std::string& path) {
  std::vector<std::string> all;
  if (node.IsScalar()) return {node.as<std::string>()};
  if (!node.IsSequence()) {
    complain(path, "must be a list");
    return all;
  }
  for (std::size_t i = 0; i < node.size(); ++i) {
    all.push_back(text(node[i], path + "[" + std::to_string(i) + "]"));
  }
  return all;
}

std::map<std::string, std::string> Reader::map_of_texts(const YAML::Node& node,
                                                        const std::string& path) {
  std::map<std::string, std::string> all;
  if (!node.IsMap()) {
    complain(path, "must be a map");
    return all;
  }
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    all[key] = text(entry.second, path + "." + printable(key, 60));
  }
  return all;
}

template <class T, class Parse>
std::vector<T> Reader::list_of(const YAML::Node& node, const std::string& path, Parse parse) {
  std::vector<T> all;
  for (const std::string& item : texts(node, path)) {
    Result<T> parsed = parse(item);
    if (!parsed) {
      complain(path, parsed.error().message);
    } else {
      all.push_back(std::move(*parsed));
    }
  }
  return all;
}

void Reader::duration(const YAML::Node& node, const std::string& path, DurationMs& into) {
  const Result<DurationMs> parsed = parse_duration(text(node, path));
  if (!parsed) return complain(path, parsed.error().message);
  if (*parsed < kSecondMs)
    return complain(path, "must be at least 1s: Flink is not to be burdened");
  into = *parsed;
}

void Reader::read_cluster(const YAML::Node& node, const std::string& path, Config& config) {
  ClusterConfig cluster;
  const auto set = [&](std::string& into) {
    return [&](const YAML::Node& n, const std::string& p) { into = text(n, p); };
  };
  fields(
      node, path,
      {{"name", set(cluster.name)},
       {"namespace", set(cluster.namespace_)},
       {"flink", [&](const YAML::Node& n,
                     const std::string& p) { cluster.flink = list_of<Endpoint>(n, p, flink_url); }},
       {"reporters",
        [&](const YAML::Node& n, const std::string& p) {
          cluster.reporters = list_of<ReporterRange>(n, p, parse_reporter);
        }},
       {"logs",
        [&](const YAML::Node& n, const std::string& p) {
          cluster.logs = list_of<std::string>(n, p, parse_log_glob);
        }},
       {"expected_jobs",
        [&](const YAML::Node& n, const std::string& p) { cluster.expected_jobs = texts(n, p); }},
       {"labels",
        [&](const YAML::Node& n, const std::string& p) { cluster.labels = map_of_texts(n, p); }}});
  if (cluster.name.empty() && !cluster.flink.empty()) cluster.name = cluster.flink[0].address();
  if (cluster.name.empty()) complain(path, "needs a name");
  config.clusters.push_back(std::move(cluster));
}

void Reader::read_detector(const std::string& name, const YAML::Node& node, const std::string& path,
                           Config& config) {
  if (!node.IsMap()) return complain(path, "must be a map of parameters");
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    const std::string place = path + "." + printable(key, 60);
    if (key == "enabled") {
      bool enabled = true;
      if (!YAML::convert<bool>::decode(entry.second, enabled)) complain(place, "true or false");
      if (!enabled) config.disabled_detectors.push_back(name);
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
    Reader reader;
    Config config = root.IsNull() ? Config{} : reader.read(root);
    if (!reader.problems.empty()) return Error{ErrorCode::invalid_argument, reader.problems};
    return config;
  } catch (const YAML::Exception& fault) {
    // yaml-cpp reports syntax errors by throwing; here they are an expected failure.
    return Error{ErrorCode::invalid_argument, printable(fault.what())};
  }
}

}  // namespace doctor
