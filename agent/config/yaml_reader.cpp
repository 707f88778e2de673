#include "agent/config/yaml_reader.hpp"

#include "agent/config/config.hpp"
#include "model/text.hpp"

namespace doctor {

void YamlReader::complain(const std::string& path, const std::string& problem) {
  problems += (problems.empty() ? "" : "\n") + path + ": " + problem;
}

void YamlReader::fields(const YAML::Node& node, const std::string& path,
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

std::string YamlReader::text(const YAML::Node& node, const std::string& path) {
  if (node.IsScalar()) return node.as<std::string>();
  complain(path, "must be a text");
  return {};
}

std::vector<std::string> YamlReader::texts(const YAML::Node& node, const std::string& path) {
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

std::map<std::string, std::string> YamlReader::map_of_texts(const YAML::Node& node,
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

void YamlReader::duration(const YAML::Node& node, const std::string& path, DurationMs& into) {
  const Result<DurationMs> parsed = parse_duration(text(node, path));
  if (!parsed) return complain(path, parsed.error().message);
  if (*parsed < kSecondMs)
    return complain(path, "must be at least 1s: Flink is not to be burdened");
  into = *parsed;
}

bool YamlReader::yes_or_no(const YAML::Node& node, const std::string& path) {
  bool yes = false;
  if (!node.IsScalar() || !YAML::convert<bool>::decode(node, yes)) complain(path, "true or false");
  return yes;
}

}  // namespace doctor
